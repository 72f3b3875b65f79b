package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/config"
)

// Whatever the text, there is a configuration or an error: never both, never a panic. What is taken is right for pkg/messaging, and is
// printed as a file that is taken again.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/examples/*.yaml", "testdata/golden/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	for _, w := range wrongTexts() {
		f.Add([]byte(w.file()))
	}
	loader := config.Loader{Environ: []string{"A=a", "EMPTY="}}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "_file") {
			return // reads what the machine has
		}
		c, err := loader.Parse("f", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err != nil {
			checkLines(t, err.Error())
			return
		}
		if err := c.Messaging().Validate(); err != nil {
			t.Fatalf("messaging refuses it: %v", err)
		}
		checkLines(t, strings.Join(c.Warnings(), "\n"))
		printed := c.String()
		again, err := loader.Parse("f", []byte(withURL(printed)))
		if err != nil {
			t.Fatalf("it prints %s\nwhich is no file: %v", printed, err)
		}
		if got, want := without(again.String()), without(withURL(printed)); got != want {
			t.Fatalf("it prints %s\nand then %s", want, got)
		}
	})
}

// withURL gives a printed configuration a broker that can be read, and takes the passwords away.
func withURL(printed string) string {
	var b strings.Builder
	for line := range strings.Lines(printed) {
		switch {
		case strings.HasPrefix(line, "broker: "):
			b.WriteString("broker: x:// # f:1\n")
		case !strings.HasPrefix(line, "  password: "):
			b.WriteString(strings.ReplaceAll(line, "${", "$${"))
		}
	}
	return b.String()
}

func without(printed string) string {
	var b strings.Builder
	for line := range strings.Lines(printed) {
		if i := strings.LastIndex(line, " # "); i >= 0 {
			line = line[:i] + "\n"
		}
		b.WriteString(strings.ReplaceAll(line, "$${", "${"))
	}
	return b.String()
}

// checkLines sees that errors and warnings are one line each, and can be printed.
func checkLines(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > 10_000 || strings.ContainsAny(line, "\x00\r\x1b") {
			t.Fatalf("not a line to print: %.300q", line)
		}
	}
}
