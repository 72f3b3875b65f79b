package protobuf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/herald-go/herald/schema"
)

// Compiler compiles Protobuf files. The zero value is ready. It is safe for concurrent use.
//
// A file may import its references, by their names, and google/protobuf/*.proto; nothing else is read. It may have 1 MiB of text with all it
// refers to and 64 levels of braces. Data may have 100 levels of messages, the default of the format's own parsers.
type Compiler struct{}

// Format implements schema.Compiler.
func (Compiler) Format() schema.Format { return schema.Protobuf }

// Compile implements schema.Compiler.
func (Compiler) Compile(s schema.Schema) (schema.Validator, error) {
	m, err := Message(s)
	if err != nil {
		return nil, err
	}
	return &validator{root: nodes{}.message(m)}, nil
}

// Message returns the descriptor of the message that the schema's data is one of: Schema.Message, or the first of the file.
func Message(s schema.Schema) (protoreflect.MessageDescriptor, error) {
	file, err := link(&s)
	if err != nil {
		return nil, err
	}
	if s.Message == "" {
		if file.Messages().Len() == 0 {
			return nil, invalid(&s, errors.New("expected a message"))
		}
		return file.Messages().Get(0), nil
	}
	m, ok := file.FindDescriptorByName(protoreflect.FullName(s.Message)).(protoreflect.MessageDescriptor)
	if !ok {
		return nil, invalid(&s, fmt.Errorf("expected the message %q", clip(s.Message)))
	}
	return m, nil
}

func invalid(s *schema.Schema, err error) error {
	return fmt.Errorf("%w: %s: %w", schema.ErrInvalidSchema, s.Source, err)
}

// link compiles a file with its references.
func link(s *schema.Schema) (file linker.File, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's, on what it did not think of
			file, err = nil, invalid(s, fmt.Errorf("the library gave up: %v", r))
		}
	}()
	if err := s.CheckLimits(); err != nil {
		return nil, err
	}
	files := sources{}
	if err := files.addReferences(s); err != nil {
		return nil, invalid(s, err)
	}
	name := files.nameFor(s)
	if err := files.add(name, s); err != nil {
		return nil, invalid(s, err)
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(files), MaxParallelism: 1}
	linked, err := c.Compile(context.Background(), name)
	if err != nil {
		return nil, invalid(s, err)
	}
	return linked[0], nil
}

// sources are the files that one compilation may read, by the names that they are imported by.
type sources map[string]string

// errImport says that a file may not be read.
var errImport = errors.New("not among the schema's references, and nothing else is read")

// FindFileByPath implements the library's resolver.
func (f sources) FindFileByPath(name string) (protocompile.SearchResult, error) {
	text, ok := f[name]
	if !ok {
		return protocompile.SearchResult{}, errImport
	}
	return protocompile.SearchResult{Source: io.NopCloser(strings.NewReader(text))}, nil
}

func (f sources) addReferences(s *schema.Schema) error {
	for i := range s.References {
		ref := &s.References[i]
		if err := f.addReferences(&ref.Schema); err != nil {
			return err
		}
		if err := f.add(ref.Name, &ref.Schema); err != nil {
			return err
		}
	}
	return nil
}

func (f sources) add(name string, s *schema.Schema) error {
	if s.Format != schema.Protobuf {
		return fmt.Errorf("%s: expected Protobuf, got %q", s.Source, s.Format)
	}
	if known, ok := f[name]; ok && known != string(s.Text) {
		return fmt.Errorf("%q names two files", clip(name))
	}
	if depth(string(s.Text)) > maxLevels {
		return fmt.Errorf("%s: expected at most %d levels of braces", s.Source, maxLevels)
	}
	f[name] = string(s.Text)
	return nil
}

// nameFor returns a name for the schema itself: what it is called where it comes from, so that a file that imports it back is found out.
func (f sources) nameFor(s *schema.Schema) string {
	name := s.Source
	if !strings.HasSuffix(name, ".proto") {
		name = "schema.proto"
	}
	for known, isTaken := f[name]; isTaken && known != string(s.Text); known, isTaken = f[name] {
		name = "the/" + name
	}
	return name
}

func clip(s string) string { return s[:min(len(s), 100)] }
