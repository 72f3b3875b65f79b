package foreign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/internal/lock"
)

//go:embed node/* python/*
var sources embed.FS

// installTime bounds the fetching of the clients, runTime one run of a script.
const (
	installTime = 5 * time.Minute
	runTime     = 2 * time.Minute
)

// language is a way to run scripts.
type language struct {
	name     string // and the folder of its scripts
	program  string
	packages []string // Debian's, in case the program is missing
	lists    []string // the files that say which clients
	install  func(ctx context.Context, dir string) error
	variable string // tells the program where the clients are
	modules  string // below the folder
}

func languages() map[string]language {
	return map[string]language{
		"node": {
			name: "node", program: "node", packages: []string{"nodejs", "npm"}, lists: []string{"package.json", "package-lock.json"},
			install: func(ctx context.Context, dir string) error {
				return run(ctx, dir, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
			},
			variable: "NODE_PATH", modules: "node_modules",
		},
		"python": {
			name: "python", program: "python3", packages: []string{"python3", "python3-pip"}, lists: []string{"requirements.txt"},
			install: func(ctx context.Context, dir string) error {
				return run(ctx, dir, "python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
					"--target", "modules", "-r", "requirements.txt")
			},
			variable: "PYTHONPATH", modules: "modules",
		},
	}
}

// Script is a program in another language, ready to run.
type Script struct {
	t    testing.TB
	path string
	lang language
	dir  string
}

// Node returns the script of that name in JavaScript. It blocks while the clients are fetched, the first time. Where Node.js or the clients
// can't be had the test is skipped with the reason, or fails if HERALD_TEST_REQUIRE is set: what requires brokers requires the exchange too.
func Node(t testing.TB, name string) *Script {
	t.Helper()
	return open(t, languages()["node"], name)
}

// Python is Node for Python.
func Python(t testing.TB, name string) *Script {
	t.Helper()
	return open(t, languages()["python"], name)
}

func open(t testing.TB, lang language, name string) *Script {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	dir, err := lang.ready(ctx)
	if err != nil {
		absent(t, fmt.Sprintf("no clients for %s: %v", lang.name, err))
	}
	return &Script{t: t, path: filepath.Join(dir, name), lang: lang, dir: dir}
}

// absent ends a test whose other side can't be had.
func absent(t testing.TB, why string) {
	t.Helper()
	t.Attr("why", why)
	if os.Getenv("HERALD_TEST_REQUIRE") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// ready returns the folder with the scripts and the clients, and makes it if need be.
func (l language) ready(ctx context.Context) (string, error) {
	if err := l.interpreter(ctx); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	names, err := sources.ReadDir(l.name)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	files := map[string][]byte{}
	for _, entry := range names {
		content, err := sources.ReadFile(l.name + "/" + entry.Name())
		if err != nil {
			return "", err
		}
		files[entry.Name()] = content
		sum.Write(fmt.Appendf(nil, "%s %d\n%s", entry.Name(), len(content), content))
	}
	dir := filepath.Join(cache, "herald-test", l.name+"-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	unlock, err := lock.File(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	done := filepath.Join(dir, ".done")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	for name, content := range files {
		if err := write(filepath.Join(dir, name), content); err != nil {
			return "", err
		}
	}
	if err := l.install(ctx, dir); err != nil {
		return "", err
	}
	return dir, write(done, nil)
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // nothing secret
		return err
	}
	return os.WriteFile(path, content, 0o644) //nolint:gosec // nothing secret
}

// Run gives the script its task and returns what it answers, decoded into answer unless that is nil.
func (s *Script) Run(task map[string]any, answer any) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), runTime)
	defer cancel()
	in, err := json.Marshal(task)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, s.lang.program, s.path)
	cmd.Env = append(os.Environ(), s.lang.variable+"="+filepath.Join(s.dir, s.lang.modules), "KAFKAJS_NO_PARTITIONER_WARNING=1")
	cmd.Stdin = bytes.NewReader(in)
	var out, diagnosis bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnosis
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s %v: %v\n%s%s", filepath.Base(s.path), task["do"], errors.Join(err, ctx.Err()), diagnosis.String(), out.String())
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		s.t.Fatalf("%s %v answers %q: %v", filepath.Base(s.path), task["do"], out.String(), err)
	}
}

func run(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(out))
	}
	return nil
}
