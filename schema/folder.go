package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/herald-go/herald/envelope"
)

// extensions are the formats of files in a folder.
var extensions = map[string]Format{".json": JSONSchema, ".avsc": Avro, ".proto": Protobuf}

// Extension returns the ending of a format's files in a folder, such as ".json", or "" for a format that it does not know.
func Extension(f Format) string {
	for ext, format := range extensions {
		if format == f {
			return ext
		}
	}
	return ""
}

// Folder reads a folder of schemas: the file order.placed/1.json is the JSON Schema of version 1 of the type order.placed, order.placed/2.avsc
// the Avro schema of its version 2, order.placed/3.proto a Protobuf file. A type with slashes is a path of folders, so what an
// embed.FS has above the types' folders is taken off with fs.Sub. Files and folders that
// begin with a dot or an underscore, files that end with .md or .lock, and files in the folder itself that are no schema are passed over.
//
// What a schema refers to is found in the folder and becomes its References: a "$ref" by its path from the file that it stands in, or by the
// "$id" of another file; an import by its path from the folder; an Avro name by the one file that declares it. Files may not refer to each
// other in a circle; within a file they may. A name that the folder does not hold is left to the compiler, which knows the formats' own.
//
// Everything is read at once, and fsys is not kept. The error names every bad file, each on a line of its own, and wraps ErrInvalidSchema.
func Folder(fsys fs.FS) (*Memory, error) {
	f := folder{fs: fsys, files: make(map[string]*file), ids: make(map[string]string), names: make(map[string][]string)}
	if err := fs.WalkDir(fsys, ".", f.visit); err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	f.index()
	m := f.memory()
	if len(f.errs) > 0 {
		return nil, fmt.Errorf("read schemas: %w", errors.Join(f.errs...))
	}
	return m, nil
}

// folder is a folder being read.
type folder struct {
	fs    fs.FS
	files map[string]*file    // by path
	ids   map[string]string   // path by "$id"
	names map[string][]string // paths by Avro name
	errs  []error
}

// file is one file of a folder.
type file struct {
	ref    Ref
	schema Schema
	doc    any // the parsed text of JSON formats
	state  resolving
	size   int // bytes, with all it refers to
	refs   int
	depth  int
}

// bad notes what is wrong with a file.
func (f *folder) bad(name, why string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf("%w: %s: %s", ErrInvalidSchema, name, fmt.Sprintf(why, args...)))
}

// visit takes one entry of the folder.
func (f *folder) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		if name == "." {
			return err
		}
		f.bad(name, "%v", err)
		return nil
	}
	base := path.Base(name)
	hidden := name != "." && (base[0] == '.' || base[0] == '_')
	switch {
	case d.IsDir() && hidden:
		return fs.SkipDir
	case d.IsDir(), hidden, path.Ext(name) == ".md", path.Ext(name) == ".lock":
		return nil
	case !strings.Contains(name, "/") && extensions[path.Ext(name)] == "":
		return nil
	}
	f.read(name, d)
	return nil
}

// read takes one file.
func (f *folder) read(name string, d fs.DirEntry) {
	format, ok := extensions[path.Ext(name)]
	if !ok {
		f.bad(name, "expected a file that ends with .json, .avsc or .proto")
		return
	}
	ref := Ref{Type: path.Dir(name), Version: strings.TrimSuffix(path.Base(name), path.Ext(name))}
	if ref.Type == "." {
		f.bad(name, "expected a folder named for the type, as in order.placed/1%s", path.Ext(name))
		return
	}
	if err := ref.Validate(); err != nil {
		f.bad(name, "%v", err)
		return
	}
	info, err := d.Info()
	switch {
	case err != nil:
		f.bad(name, "%v", err)
		return
	case !info.Mode().IsRegular():
		f.bad(name, "expected a regular file")
		return
	case info.Size() > MaxText:
		f.bad(name, "expected at most %d bytes, got %d", MaxText, info.Size())
		return
	}
	text, err := fs.ReadFile(f.fs, name)
	if err != nil {
		f.bad(name, "%v", err)
		return
	}
	f.add(name, &file{ref: ref.Canonical(), schema: Schema{Format: format, Text: text, Source: name}})
}

// add parses a file as far as its references need it.
func (f *folder) add(name string, x *file) {
	switch {
	case len(bytes.TrimSpace(x.schema.Text)) == 0:
		f.bad(name, "expected a schema, got an empty file")
		return
	case !utf8.Valid(x.schema.Text):
		f.bad(name, "expected UTF-8")
		return
	}
	if x.schema.Format != Protobuf {
		if err := json.Unmarshal(x.schema.Text, &x.doc); err != nil {
			f.bad(name, "%v", err)
			return
		}
	}
	f.files[name] = x
}

// index notes by what other names the files can be referred to.
func (f *folder) index() {
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		x := f.files[name]
		switch x.schema.Format {
		case JSONSchema:
			id := idOf(x.doc)
			if id == "" {
				continue
			}
			if other, ok := f.ids[id]; ok {
				f.bad(name, `"$id" %q is that of %s`, clip(id), other)
				continue
			}
			f.ids[id] = name
		case Avro:
			if id := avroNameOf(x.doc); id != "" {
				f.names[id] = append(f.names[id], name)
			}
		case Protobuf:
		}
	}
}

// memory resolves every file and puts them into a registry.
func (f *folder) memory() *Memory {
	m := &Memory{schemas: make(map[Ref]Schema, len(f.files))}
	from := make(map[Ref]string, len(f.files))
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		x := f.files[name]
		f.resolve(name, nil)
		if other, ok := from[x.ref]; ok {
			f.bad(name, "%s is in %s already", x.ref, other)
			continue
		}
		from[x.ref] = name
		m.schemas[x.ref] = x.schema
	}
	return m
}

// PathOf returns where Folder finds the schema of ref in this format, such as "order.placed/1.json".
func PathOf(ref Ref, f Format) string {
	return path.Join(ref.Type, envelope.CanonicalVersion(ref.Version)+Extension(f))
}
