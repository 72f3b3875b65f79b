package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	first  = `{"description":"An order was placed.","type":"object","properties":{"id":{"type":"string","description":"Which."}},"required":["id"],"additionalProperties":false}`
	second = `{"description":"An order was placed.","type":"object","properties":{"id":{"type":"string","description":"Which."},"note":{"type":"string","description":"From the customer."}},"required":["id"],"additionalProperties":false}`
	third  = `{"type":"object","properties":{"id":{"type":"string"},"total":{"type":"number"}},"required":["id","total"],"additionalProperties":false}`
)

// herald runs a command line in this process, in a folder of these files, and returns what it printed with its exit code.
func herald(t *testing.T, files map[string]string, args ...string) (text string, code int, dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, files)
	text, code = in(t, dir, args...)
	return text, code, dir
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// in runs a command line; DIR in the arguments is the folder, and its path is left out of what is printed.
func in(t *testing.T, dir string, args ...string) (text string, code int) {
	t.Helper()
	given := make([]string, len(args))
	for i, a := range args {
		given[i] = strings.ReplaceAll(a, "DIR", dir)
	}
	var out, trouble bytes.Buffer
	code = run(t.Context(), given, &out, &trouble)
	text = out.String()
	if trouble.Len() > 0 {
		text += "stderr: " + trouble.String()
	}
	return strings.ReplaceAll(text, dir, "DIR"), code
}

func history() map[string]string {
	return map[string]string{"order.placed/1.json": first, "order.placed/2.json": second, "order.placed/3.json": third}
}

func TestOutputIsThatOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	good := map[string]string{"order.placed/1.json": first, "order.placed/2.json": second}
	for _, tc := range []struct {
		name  string
		files map[string]string
		args  []string
		code  int
	}{
		{"check-breaking", history(), []string{"schema", "check", "DIR"}, 1},
		{"check-breaking-json", history(), []string{"schema", "check", "DIR", "--format", "json", "--mode", "FULL_TRANSITIVE"}, 1},
		{"check-breaking-github", history(), []string{"schema", "check", "DIR", "--format", "github"}, 1},
		{"check-fine", good, []string{"schema", "check", "DIR"}, 0},
		{"check-fine-json", good, []string{"schema", "check", "DIR", "--format", "json"}, 0},
		{"check-allowed", history(), []string{"schema", "check", "DIR", "--allow", "json-required-added", "--allow", "json-property-refused"}, 0},
		{"check-no-schemas", map[string]string{"README.md": "x"}, []string{"schema", "check", "DIR"}, 2},
		{"check-bad-mode", good, []string{"schema", "check", "DIR", "--mode", "sideways"}, 2},
		{"check-bad-rule", good, []string{"schema", "check", "DIR", "--allow", "json"}, 2},
		{"check-bad-format", good, []string{"schema", "check", "DIR", "--format", "xml"}, 2},
		{"check-bad-flag", good, []string{"schema", "check", "DIR", "--bogus"}, 2},
		{"check-help", nil, []string{"schema", "check", "--help"}, 0},
		{"lint", history(), []string{"schema", "lint", "DIR"}, 1},
		{"lint-off", history(), []string{"schema", "lint", "DIR", "--off", "lint-field-description", "--off", "lint-description"}, 0},
		{"lint-github", history(), []string{"schema", "lint", "DIR", "--format", "github"}, 1},
		{"lint-help", nil, []string{"schema", "lint", "--help"}, 0},
		{"diff", history(), []string{"schema", "diff", "--dir", "DIR", "order.placed/1", "DIR/order.placed/3.json"}, 1},
		{"diff-json", history(), []string{"schema", "diff", "--dir", "DIR", "order.placed/1", "order.placed/2", "--format", "json"}, 1},
		{"diff-same", history(), []string{"schema", "diff", "--dir", "DIR", "order.placed/1", "order.placed/1.0"}, 0},
		{"diff-unknown", history(), []string{"schema", "diff", "--dir", "DIR", "order.placed/1", "order.placed/9"}, 2},
		{"diff-help", nil, []string{"schema", "diff", "--help"}, 0},
		{"lock-help", nil, []string{"schema", "lock", "--help"}, 0},
		{"root", nil, []string{}, 0},
		{"schema", nil, []string{"schema"}, 0},
		{"schema-unknown", nil, []string{"schema", "bogus"}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, code, _ := herald(t, tc.files, tc.args...)
			if code != tc.code {
				t.Errorf("got exit code %d, want %d\n%s", code, tc.code, got)
			}
			golden(t, tc.name, got)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLockHoldsWhatWasPublished(t *testing.T) {
	t.Parallel()
	got, code, dir := herald(t, map[string]string{"order.placed/1.json": first}, "schema", "lock", "DIR")
	if want := "new      order.placed version 1\n"; code != 0 || got != want {
		t.Fatalf("got %d %s", code, got)
	}
	locked, err := os.ReadFile(filepath.Join(dir, "schemas.lock"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "schemas.lock", string(locked))
	step := func(want int, args ...string) string {
		t.Helper()
		got, code := in(t, dir, args...)
		if code != want {
			t.Errorf("%v: got %d, want %d\n%s", args, code, want, got)
		}
		return got
	}
	step(0, "schema", "lock", "DIR", "--check")
	step(0, "schema", "check", "DIR")
	write(t, dir, map[string]string{"order.placed/2.json": second})
	step(1, "schema", "lock", "DIR", "--check")
	step(0, "schema", "check", "DIR")
	step(0, "schema", "lock", "DIR")
	write(t, dir, map[string]string{"order.placed/1.json": second})
	if got := step(1, "schema", "check", "DIR"); !strings.Contains(got, "changed-in-place") {
		t.Errorf("got %s", got)
	}
	if got := step(1, "schema", "lock", "DIR"); got != "changed  order.placed version 1\nDIR/schemas.lock is left as it was: what was published must not change\n" {
		t.Errorf("got %s", got)
	}
	if err := os.RemoveAll(filepath.Join(dir, "order.placed", "2.json")); err != nil {
		t.Fatal(err)
	}
	step(0, "schema", "lock", "DIR", "--force")
	step(0, "schema", "check", "DIR")
	step(2, "schema", "lock", "DIR", "--force", "--check")
	step(2, "schema", "check", "DIR", "--lock", "DIR/none.lock")
	if left, err := filepath.Glob(filepath.Join(dir, ".herald-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCheckAgainstAnotherFolder(t *testing.T) {
	t.Parallel()
	published := t.TempDir()
	write(t, published, map[string]string{"order.placed/1.json": first, "order.placed/2.json": third})
	got, code, _ := herald(t, map[string]string{"order.placed/1.json": first, "order.placed/2.json": third}, "schema", "check", "DIR", "--against", published)
	if code != 0 {
		t.Errorf("got %d %s", code, got)
	}
	if got, code, _ = herald(t, map[string]string{"order.placed/1.json": first}, "schema", "check", "DIR", "--against", published); code != 1 || !strings.Contains(got, "(removed)") {
		t.Errorf("got %d %s", code, got)
	}
	if got, code, _ = herald(t, history(), "schema", "check", "DIR", "--against", "DIR/none"); code != 2 {
		t.Errorf("got %d %s", code, got)
	}
}

func TestCheckAndDiffAgainstAGitRevision(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write(t, dir, map[string]string{"events/order.placed/1.json": first, "events/order.placed/2.json": second})
	git("init", "-q")
	git("add", "-A")
	git("commit", "-q", "-m", "x")
	write(t, dir, map[string]string{"events/order.placed/3.json": third})
	got, code := in(t, dir, "schema", "check", "DIR/events", "--against", "git:HEAD")
	if code != 1 || !strings.Contains(got, "2 problems: 3 schemas in DIR/events, 1 new, 1 compared (backward)") {
		t.Errorf("got %d %s", code, got)
	}
	write(t, dir, map[string]string{"events/order.placed/2.json": third})
	if got, code = in(t, dir, "schema", "diff", "--dir", "DIR/events", "order.placed/2", "--against", "git:HEAD"); code != 1 || !strings.Contains(got, "+ total: required number") {
		t.Errorf("got %d %s", code, got)
	}
	if got, code = in(t, dir, "schema", "check", "DIR/events", "--against", "git:nowhere"); code != 2 {
		t.Errorf("got %d %s", code, got)
	}
}

// registry answers as a schema registry that holds these versions of order.placed and a type of somebody else.
func registry(t *testing.T, versions ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(v any) {
			if err := json.NewEncoder(w).Encode(v); err != nil {
				t.Error(err)
			}
		}
		switch r.URL.Path {
		case "/subjects":
			answer([]string{"order.placed", "stock.counted"})
			return
		case "/subjects/order.placed/versions":
			numbers := []int{}
			for i := range versions {
				numbers = append(numbers, i+1)
			}
			answer(numbers)
			return
		case "/subjects/stock.counted/versions":
			answer([]int{1})
			return
		}
		for i, text := range versions {
			if r.URL.Path == fmt.Sprintf("/subjects/order.placed/versions/%d", i+1) {
				answer(map[string]any{"subject": "order.placed", "version": i + 1, "id": i + 1, "schemaType": "JSON", "schema": text})
				return
			}
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestCheckAgainstARegistryLooksAtItsOwnTypes(t *testing.T) {
	t.Parallel()
	url := registry(t, first, second)
	got, code, _ := herald(t, history(), "schema", "check", "DIR", "--against", url)
	if code != 1 || !strings.Contains(got, "2 problems: 3 schemas in DIR, 1 new, 1 compared (backward)") {
		t.Errorf("got %d %s", code, got)
	}
	if got, code, _ = herald(t, map[string]string{"order.placed/1.json": first, "order.placed/2.json": second}, "schema", "check", "DIR", "--against", url); code != 0 {
		t.Errorf("got %d %s", code, got)
	}
	if got, code, _ = herald(t, history(), "schema", "check", "DIR", "--against", "http://user:s3cret@[::1"); code != 2 || strings.Contains(got, "s3cret") {
		t.Errorf("got %d %s", code, got)
	}
}
