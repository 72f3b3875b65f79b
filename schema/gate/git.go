package gate

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// maxArchive bounds what Git reads of a revision, in bytes.
const maxArchive = 256 << 20

var errTooLarge = errors.New("too large")

// Git returns the files of a folder as a git revision has them, for schema.Folder. dir is a folder inside a repository's work tree, which need
// not be the folder of then: a folder that the revision lacks is empty. It runs `git archive` and waits for it; ctx ends it. Nothing in the
// repository is changed, and no hook, filter of the user's or remote is asked.
func Git(ctx context.Context, dir, revision string) (fs.FS, error) {
	if revision == "" || strings.HasPrefix(revision, "-") {
		return nil, fmt.Errorf("git: expected a revision, got %q", revision)
	}
	commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("git: unknown revision %q: %w", revision, err)
	}
	prefix, err := git(ctx, dir, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	tree := strings.TrimSpace(string(commit)) + ":" + strings.TrimSuffix(strings.TrimSuffix(string(prefix), "\n"), "/")
	if _, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", tree); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return new(zip.Reader), nil
		}
		return nil, fmt.Errorf("git: %w", err)
	}
	// From below the top, git archive wants the folder to be in the tree by its path.
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	archive, err := git(ctx, strings.TrimSuffix(string(top), "\n"), "archive", "--format=zip", tree)
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("git: read archive: %w", err)
	}
	return files, nil
}

// git runs the program in a folder and returns what it prints.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{to: &out, left: maxArchive}, &limited{to: &trouble, left: 4 << 10}
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
