package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const messaging = `package messaging

type Broker struct{}

func (b *Broker) Name() string { return "memory" }
`

const example = `package main

import "fmt"

func main() {
	fmt.Println("hello") // says so
}
`

// write makes a module with a README page of the text, an example and a package that fragments can use.
func write(t *testing.T, readme string) string {
	t.Helper()
	tree := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                     "module tree.example\n\ngo 1.25.0\n",
		"README.md":                  readme,
		"examples/hello/main.go":     example,
		"pkg/messaging/broker.go":    messaging,
		"cmd/internal/tool/tool.go":  "package tool\n\nvar inTheTools = 1\n",
		"examples/testdata/ready.go": "package ready\n\nvar inTestdata = 1\n",
	} {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

func block(lines ...string) string {
	return "```go\n" + strings.Join(lines, "\n") + "\n```\n"
}

const wrapped = "<!-- snippet: wrap -->\n"

func TestCheck_TakesEachKindOfBlock(t *testing.T) {
	t.Parallel()
	tree := write(t, "# Read me\n"+
		block("package main", "", `import "tree.example/pkg/messaging"`, "", "func main() { _ = messaging.Broker{} }")+
		wrapped+block("if broker.Name() == strings.ToUpper(\"x\") {", "\treturn ctx.Err()", "}")+
		wrapped+block("type counter struct{ messaging.Broker }", "", "func (c counter) wait() { time.Now() }")+
		block("func main() {", "    fmt.Println(\"hello\")    // says so", "}")+
		"```yaml\nbroker: memory://\n```\n")
	got, err := check(t.Context(), tree)
	if want := (counts{files: 1, fragments: 2, quotations: 1}); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestCheck_RefusesWhatIsNotTrue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ readme, want string }{
		"a quotation of nothing":        {"\n" + block(`fmt.Println("goodbye")`), "README.md:2: not in any Go file"},
		"a quotation of the tools":      {block("var inTheTools = 1"), "not in any Go file"},
		"a quotation of test data":      {block("var inTestdata = 1"), "not in any Go file"},
		"a file that doesn't compile":   {"text\n\n" + block("package main", "", "func main() { missing() }"), "README.md:6: undefined: missing"},
		"a fragment that doesn't":       {wrapped + block("return broker.Close()"), "README.md:3: broker.Close undefined"},
		"a fragment that doesn't parse": {wrapped + block("if {"), "README.md:2: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := check(t.Context(), write(t, test.readme))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestCheck_ReadsThePagesInDocs(t *testing.T) {
	t.Parallel()
	tree := write(t, "# Read me\n")
	if err := os.MkdirAll(filepath.Join(tree, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "docs", "guide.md"), []byte(block("not(quoted)")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := check(t.Context(), tree)
	if err == nil || !strings.Contains(err.Error(), "guide.md:1: ") {
		t.Errorf("got %v, want the page and line", err)
	}
}
