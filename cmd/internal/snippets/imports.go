package main

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"slices"
	"strings"
)

// knownPackages maps the names of the packages that a fragment may use to their paths. The tree's own win over the
// standard library's; of two with one name, the shorter path wins, then the first.
func knownPackages(ctx context.Context, tree string) (map[string]string, error) {
	known := map[string]string{}
	for _, pattern := range []string{"std", "./..."} {
		cmd := exec.CommandContext(ctx, "go", "list", "-e", "-f", "{{.Name}} {{.ImportPath}}", pattern)
		cmd.Dir = tree
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list %s: %w\n%s", pattern, err, &stderr)
		}
		found := map[string]string{}
		for line := range strings.Lines(string(out)) {
			name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
			if importable(name, path) && (found[name] == "" || len(path) < len(found[name])) {
				found[name] = path
			}
		}
		for name, path := range found {
			known[name] = path
		}
	}
	return known, nil
}

// importable reports whether a program outside the package's module can import it.
func importable(name, path string) bool {
	if name == "" || name == "main" {
		return false
	}
	return !slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool {
		return part == "internal" || part == "vendor"
	})
}

// importsOf returns the import block that a file without one needs: for each x.Y whose x is nothing the file declares.
func importsOf(text string, known map[string]string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", text, 0)
	if err != nil {
		return "", err
	}
	// Unresolved holds the names that no scope of the file explains, the packages among them.
	free := map[*ast.Ident]bool{}
	for _, ident := range file.Unresolved {
		free[ident] = true
	}
	var paths []string
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if name, ok := selector.X.(*ast.Ident); ok && free[name] && known[name.Name] != "" {
			paths = append(paths, known[name.Name])
		}
		return true
	})
	slices.Sort(paths)
	return importBlock(slices.Compact(paths)), nil
}
