// Package scratch makes throw-away modules that use a module's tree the way a user's own program does: from outside,
// by a replace line.
package scratch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Module is a module in a temporary folder. Its methods may not be called at the same time.
type Module struct {
	// Dir is the module's folder.
	Dir string
}

// New makes a module whose only requirement is the module at tree. It copies that module's go.sum, so that what the
// tree has already verified is not looked up again. The caller removes it with [Module.Remove].
func New(tree string) (*Module, error) {
	tree, err := filepath.Abs(tree)
	if err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	path, goLine, err := readGoMod(filepath.Join(tree, "go.mod"))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "outside-")
	if err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	m := &Module{Dir: dir}
	mod := fmt.Sprintf("module outside.example\n\ngo %s\n\nrequire %s v0.0.0\n\nreplace %s => %s\n", goLine, path, path, tree)
	err = m.Write("go.mod", mod)
	if err == nil {
		err = m.copySums(tree)
	}
	if err != nil {
		return nil, errors.Join(err, m.Remove())
	}
	return m, nil
}

// Write writes a file of the module, and the folders above it. The name is slash-separated and relative.
func (m *Module) Write(name, text string) error {
	path := filepath.Join(m.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	return nil
}

// Go runs the go command in the module and returns its standard output. The error holds what it wrote to standard
// error. No workspace file applies.
func (m *Module) Go(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = m.Dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("go %s: %w\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// Remove deletes the module's folder.
func (m *Module) Remove() error {
	return os.RemoveAll(m.Dir)
}

func (m *Module) copySums(tree string) error {
	sums, err := os.ReadFile(filepath.Join(tree, "go.sum"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	return m.Write("go.sum", string(sums))
}

// readGoMod returns a module's path and go line.
func readGoMod(file string) (path, goLine string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", "", fmt.Errorf("scratch: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		switch fields := strings.Fields(line); {
		case len(fields) < 2:
		case fields[0] == "module":
			path = fields[1]
		case fields[0] == "go":
			goLine = fields[1]
		}
	}
	if path == "" || goLine == "" {
		return "", "", fmt.Errorf("scratch: %s: no module or go line", file)
	}
	return path, goLine, nil
}
