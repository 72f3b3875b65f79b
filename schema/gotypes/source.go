package gotypes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/herald-go/herald/schema"
)

// FromSource is From for the type of that name in the package of a directory, with its doc comments as descriptions. The package's code is
// read and its dependencies are built, both by the go command, which must be installed; nothing of it is run. Main packages and unexported
// types will do. It blocks until ctx ends at the latest.
func FromSource(ctx context.Context, dir, name string, c FromConfig) (schema.Schema, error) {
	s, err := load(ctx, dir)
	if err != nil {
		return schema.Schema{}, fmt.Errorf("schema of %s: %w", name, err)
	}
	found, ok := s.target.Scope().Lookup(name).(*types.TypeName)
	if !ok {
		return schema.Schema{}, fmt.Errorf("schema of %s: package %s has no such type", name, s.target.Path())
	}
	if named, ok := found.Type().(*types.Named); ok && named.TypeParams().Len() > 0 {
		return schema.Schema{}, fmt.Errorf("schema of %s: a generic type has no JSON of its own: name a type that is made of it", name)
	}
	return from(&sourced{t: found.Type(), s: s}, c)
}

// source is a type-checked package with what it depends on.
type source struct {
	target   *types.Package
	packages map[string]listed
	fset     *token.FileSet
	comments map[string]*comments // by import path, as they are needed
	files    map[string][]*ast.File
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir, Export, Name string
	GoFiles, CgoFiles             []string
	DepOnly, Standard             bool
	Error                         *struct{ Err string }
}

// load reads the package of a directory.
func load(ctx context.Context, dir string) (*source, error) {
	list, err := goList(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &source{packages: make(map[string]listed), fset: token.NewFileSet(), comments: make(map[string]*comments), files: make(map[string][]*ast.File)}
	var target *listed
	for i := range list {
		s.packages[list[i].ImportPath] = list[i]
		if !list[i].DepOnly {
			target = &list[i]
		}
	}
	switch {
	case target == nil:
		return nil, fmt.Errorf("no package in %s", dir)
	case target.Error != nil:
		return nil, errors.New(strings.TrimSpace(target.Error.Err))
	case len(target.CgoFiles) > 0:
		return nil, errors.New("a package with cgo can't be read")
	}
	files, err := s.parse(target.ImportPath)
	if err != nil {
		return nil, err
	}
	conf := types.Config{Importer: importer.ForCompiler(s.fset, "gc", s.export)}
	s.target, err = conf.Check(target.ImportPath, s.fset, files, nil)
	return s, err
}

// goList asks the go command for the package of a directory and all it depends on, built.
func goList(ctx context.Context, dir string) ([]listed, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-e", "-export", "-deps", "-json=ImportPath,Dir,Export,Name,GoFiles,CgoFiles,DepOnly,Standard,Error", "--", ".")
	cmd.Dir = dir
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(bad.String()); text != "" {
			return nil, fmt.Errorf("go list: %w: %s", err, text)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	var list []listed
	for d := json.NewDecoder(&out); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
}

// export opens the compiler's description of a dependency.
func (s *source) export(path string) (io.ReadCloser, error) {
	p, ok := s.packages[path]
	switch {
	case !ok:
		return nil, fmt.Errorf("package %s is not among the dependencies", path)
	case p.Error != nil:
		return nil, errors.New(strings.TrimSpace(p.Error.Err))
	case p.Export == "":
		return nil, fmt.Errorf("package %s does not build", path)
	}
	return os.Open(p.Export)
}

// parse reads the files of a package, once.
func (s *source) parse(path string) ([]*ast.File, error) {
	if files, ok := s.files[path]; ok {
		return files, nil
	}
	p := s.packages[path]
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(s.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	s.files[path] = files
	return files, nil
}
