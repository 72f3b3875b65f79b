package gate_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gate"
)

// repository makes one with the files of each commit in turn and returns its folder.
func repository(t *testing.T, commits ...map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	for _, files := range commits {
		for name, text := range files {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "-q", "--allow-empty", "-m", "x")
	}
	return dir
}

func TestGitReadsTheFolderAsItWas(t *testing.T) {
	t.Parallel()
	repo := repository(t,
		map[string]string{"README.md": "x"},
		map[string]string{"schemas/order.placed/1.json": first},
		map[string]string{"schemas/order.placed/1.json": second, "schemas/order.placed/2.json": third},
	)
	dir := filepath.Join(repo, "schemas")
	for revision, want := range map[string]int{"HEAD~2": 0, "HEAD~1": 1, "HEAD": 2, "main": 2} {
		files, err := gate.Git(t.Context(), dir, revision)
		if err != nil {
			t.Fatal(err)
		}
		folder, err := schema.Folder(files)
		if err != nil {
			t.Fatalf("%s: %v", revision, err)
		}
		s, err := gate.Load(t.Context(), folder)
		if err != nil || len(s) != want {
			t.Errorf("%s: got %v, %v", revision, s.Refs(), err)
		}
	}
	files, err := gate.Git(t.Context(), dir, "HEAD~1")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(files, "order.placed/1.json"); err != nil || string(text) != first {
		t.Errorf("got %s, %v", text, err)
	}
}

// A revision's attributes could keep files from an archive, change their lines' ends, or have a program of the configuration run over them.
func TestGitReadsWhatWasCommittedWhateverAttributesSay(t *testing.T) {
	t.Parallel()
	attributes := "1.json export-ignore\n2.json text eol=crlf\n3.json export-subst\n4.json filter=loud\n"
	want := map[string]string{"1.json": first, "2.json": "{}\n\n", "3.json": `{"title":"$Format:%H$"}`, "4.json": third}
	files := map[string]string{"schemas/.gitattributes": attributes}
	for name, text := range want {
		files["schemas/order.placed/"+name] = text
	}
	repo := repository(t, files)
	config := filepath.Join(repo, ".git", "config")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(text, "[filter \"loud\"]\n\tsmudge = touch ran && cat\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := gate.Git(t.Context(), filepath.Join(repo, "schemas"), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got, err := fs.ReadFile(read, "order.placed/"+name); err != nil || string(got) != text {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, text)
		}
	}
	if _, err := os.Stat(filepath.Join(repo, "ran")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the filter ran: %v", err)
	}
}

func TestGitRefusesWhatIsNoRevision(t *testing.T) {
	t.Parallel()
	repo := repository(t, map[string]string{"schemas/order.placed/1.json": first})
	for _, revision := range []string{"", "--upload-pack=x", "nowhere", "HEAD:schemas"} {
		if _, err := gate.Git(t.Context(), repo, revision); err == nil || !strings.HasPrefix(err.Error(), "git: ") {
			t.Errorf("%q: got %v", revision, err)
		}
	}
	if _, err := gate.Git(t.Context(), t.TempDir(), "HEAD"); err == nil {
		t.Error("outside a repository: no error")
	}
}
