package gate

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// maxRead bounds what Git reads of a revision, in bytes.
const maxRead = 256 << 20

var errTooLarge = errors.New("too large")

// Git returns the files of a folder as a git revision has them, for schema.Folder. dir is a folder inside a repository's work tree, which need
// not be the folder of then: a folder that the revision lacks is empty. The files have the bytes that were committed: no attribute, filter, hook
// or remote has a say in them. It runs git and waits for it; ctx ends it. Nothing in the repository is changed.
func Git(ctx context.Context, dir, revision string) (fs.FS, error) {
	if revision == "" || strings.HasPrefix(revision, "-") {
		return nil, fmt.Errorf("git: expected a revision, got %q", revision)
	}
	commit, err := git(ctx, dir, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("git: unknown revision %q: %w", revision, err)
	}
	prefix, err := git(ctx, dir, nil, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	tree := strings.TrimSpace(string(commit)) + ":" + strings.TrimSuffix(strings.TrimSuffix(string(prefix), "\n"), "/")
	if _, err := git(ctx, dir, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", tree); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return new(zip.Reader), nil
		}
		return nil, fmt.Errorf("git: %w", err)
	}
	entries, err := listTree(ctx, dir, tree)
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	return readBlobs(ctx, dir, entries)
}

// git runs the program in a folder, gives it the input, and returns what it prints.
func git(ctx context.Context, dir string, input io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stdin = dir, input
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{to: &out, left: maxRead}, &limited{to: &trouble, left: 4 << 10}
	if err := cmd.Run(); err != nil {
		if said := strings.TrimSpace(trouble.String()); said != "" {
			return nil, fmt.Errorf("%s: %w", said, err)
		}
		return nil, err
	}
	return out.Bytes(), nil
}

// limited fails a program that prints too much.
type limited struct {
	to   *bytes.Buffer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errTooLarge
	}
	return l.to.Write(p)
}
