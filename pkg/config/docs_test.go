package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/config"
)

const (
	page     = "../../docs/configuration.md"
	keysFrom = "<!-- keys: written by go test ./pkg/config -update -->\n"
	keysTo   = "<!-- end of keys -->\n"
	nameRule = ": words of letters, digits, _ and - joined by single dots, at most 100 characters" // told once below the table
)

func TestTheDocumentationHasEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), keysFrom)
	_, after, ok2 := strings.Cut(rest, keysTo)
	if !ok || !ok2 {
		t.Fatal("the page has lost the marks around its table")
	}
	var table strings.Builder
	table.WriteString("\n| key | what to write | default | meaning | variable |\n|---|---|---|---|---|\n")
	for _, r := range config.Rows() {
		fallback := "—"
		if r.Default != "" {
			fallback = "`" + r.Default + "`"
		}
		what := strings.ReplaceAll(r.Type, nameRule, "")
		cells := []string{"`" + r.Key + "`", what, fallback, r.Meaning, "`" + r.Variable + "`"}
		table.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	golden(t, page, []byte(before+keysFrom+table.String()+"\n"+keysTo+after))
}

// The page's YAML blocks are files that load, laid over each other where they say so.
func TestTheDocumentationsFilesLoad(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	loader := config.Loader{Code: "broker: memory://", Environ: []string{"HERALD_BROKER=memory://"}}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	if len(blocks) != 4 {
		t.Fatalf("%d blocks, want 4", len(blocks))
	}
	for _, b := range blocks {
		file, _, _ := strings.Cut(b, "```")
		if _, err := loader.Parse("block", []byte(file)); err != nil {
			t.Errorf("%s\n%v", file, err)
		}
	}
}
