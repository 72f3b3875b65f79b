package drivertest_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/drivertest"
)

var update = flag.Bool("update", false, "write the checklist in docs/adapters.md anew")

const page = "../../docs/adapters.md"

// The page's checklist is the suite's sentences: whoever adds one runs this test with -update.
func TestPageListsEverySentence(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- the names of drivertest.Sentences, in their order -->\n", "\n## Edits elsewhere"
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no checklist between %q and %q", page, begin, end)
	}
	want := before + begin + checklist() + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("the checklist in %s is not the suite's sentences: run this test with -update", page)
	}
}

// checklist lists the sentences by area, in the order in which the areas first come.
func checklist() string {
	var areas []string
	sentences := map[string]string{}
	for _, s := range drivertest.Sentences() {
		if sentences[s.Area] == "" {
			areas = append(areas, s.Area)
		}
		sentences[s.Area] += "- [ ] " + s.Text + "\n"
	}
	var b strings.Builder
	for _, area := range areas {
		b.WriteString("\n**" + area + "**\n\n" + sentences[area])
	}
	return b.String()
}
