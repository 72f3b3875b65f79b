package gotypes

import (
	"go/ast"
	"go/token"
	"strings"
)

// comments are the doc comments of a package's types, by "Order" for a type and "Order.Lines.SKU" for a field, also of structs that are
// written in place.
type comments struct {
	text   map[string]string
	consts []string // in the order of the source
}

// commentsOf returns the comments of a package; none where its source can't be read.
func (s *source) commentsOf(path string) *comments {
	if c := s.comments[path]; c != nil {
		return c
	}
	c := &comments{text: make(map[string]string)}
	s.comments[path] = c
	if s.packages[path].Standard { // their words change with Go's version
		return c
	}
	files, err := s.parse(path)
	if err != nil {
		return c
	}
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				c.declaration(g)
			}
		}
	}
	return c
}

func (c *comments) declaration(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			if g.Tok != token.CONST {
				continue
			}
			for _, name := range spec.Names {
				c.consts = append(c.consts, name.Name)
			}
		case *ast.TypeSpec:
			doc := spec.Doc
			if doc == nil {
				doc = g.Doc
			}
			c.text[spec.Name.Name] = doc.Text()
			c.structure(spec.Name.Name, spec.Type)
		}
	}
}

// structure notes the comments of the fields below a type expression.
func (c *comments) structure(path string, e ast.Expr) {
	switch e := e.(type) {
	case *ast.StarExpr:
		c.structure(path, e.X)
	case *ast.ArrayType:
		c.structure(path, e.Elt)
	case *ast.MapType:
		c.structure(path, e.Value)
	case *ast.StructType:
		for _, f := range e.Fields.List {
			c.field(path, f)
		}
	}
}

func (c *comments) field(path string, f *ast.Field) {
	doc := f.Doc.Text()
	if strings.TrimSpace(doc) == "" {
		doc = f.Comment.Text()
	}
	for _, name := range f.Names {
		at := path + "." + name.Name
		c.text[at] = doc
		c.structure(at, f.Type)
	}
}
