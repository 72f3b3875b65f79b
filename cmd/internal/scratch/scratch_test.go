package scratch_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/herald-go/herald/cmd/internal/scratch"
)

// tree writes a small module and returns its folder.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module tree.example\n\ngo 1.25.0\n",
		"say/say.go": "package say\n\nconst Word = \"hello\"\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func outside(t *testing.T) *scratch.Module {
	t.Helper()
	m, err := scratch.New(tree(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Remove(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestModule_RunsAProgramAgainstTheTree(t *testing.T) {
	t.Parallel()
	m := outside(t)
	program := "package main\n\nimport \"tree.example/say\"\n\nfunc main() { println(len(say.Word)) }\n"
	if err := m.Write("cmd/main.go", program); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Go(t.Context(), "run", "./cmd"); err != nil {
		t.Error(err)
	}
}

func TestModule_AFailureSaysWhatTheCompilerSaid(t *testing.T) {
	t.Parallel()
	m := outside(t)
	if err := m.Write("main.go", "package main\n\nfunc main() { nothing() }\n"); err != nil {
		t.Fatal(err)
	}
	_, err := m.Go(t.Context(), "build", "-o", os.DevNull, ".")
	if err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Errorf("got %v, want the compiler's message", err)
	}
}

func TestNew_WithoutAModuleIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := scratch.New(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
}
