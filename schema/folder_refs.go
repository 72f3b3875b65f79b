package schema

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// resolving is how far the references of a file are.
type resolving uint8

const (
	unresolved resolving = iota
	underWay
	resolved
)

// resolve fills in the references of a file, and of those that it refers to first. trail is how it was come to.
func (f *folder) resolve(name string, trail []string) {
	x := f.files[name]
	switch {
	case x.state == resolved:
		return
	case x.state == underWay:
		from := trail[slices.Index(trail, name):]
		f.bad(trail[len(trail)-1], "references go in a circle: %s", strings.Join(append(slices.Clone(from), name), " -> "))
		return
	case len(trail) >= MaxReferenceDepth:
		f.bad(trail[0], "expected at most %d levels of references", MaxReferenceDepth)
		return
	}
	x.state = underWay
	x.size = len(x.schema.Text)
	trail = append(trail, name)
	for _, l := range f.links(name, x) {
		f.resolve(l.path, trail)
		target := f.files[l.path]
		if target.state != resolved {
			continue
		}
		x.size += target.size
		x.refs += 1 + target.refs
		x.depth = max(x.depth, 1+target.depth)
		x.schema.References = append(x.schema.References, Reference{Name: l.name, Schema: target.schema})
	}
	x.state = resolved
	if x.size > MaxText || x.refs > MaxReferences {
		f.bad(name, "expected at most %d bytes and %d references with all it refers to, got %d and %d", MaxText, MaxReferences, x.size, x.refs)
		x.schema.References, x.size, x.refs = nil, 0, 0
	}
}

// link is a file that another one names.
type link struct{ name, path string }

// links returns the files that a file names, each name once, in the order of their names.
func (f *folder) links(name string, x *file) []link {
	found := make(map[string]string)
	switch x.schema.Format {
	case JSONSchema:
		f.jsonLinks(x.doc, baseOf(name, ""), name, found)
	case Avro:
		f.avroLinks(name, x, found)
	case Protobuf:
		for _, m := range imports.FindAllSubmatch(withoutComments(x.schema.Text), -1) {
			if target := string(m[1]); f.has(target, Protobuf) && target != name {
				found[target] = target
			}
		}
	}
	out := make([]link, 0, len(found))
	for called, at := range found {
		out = append(out, link{called, at})
	}
	slices.SortFunc(out, func(a, b link) int { return strings.Compare(a.name, b.name) })
	return out
}

func (f *folder) has(name string, format Format) bool {
	x, ok := f.files[name]
	return ok && x.schema.Format == format
}

// folderURL is where a folder stands when "$ref" is resolved: a scheme that nothing loads from.
const folderURL = "herald:///"

// baseOf returns the URL against which the references of a file are resolved.
func baseOf(name, id string) *url.URL {
	base, err := url.Parse(folderURL + (&url.URL{Path: name}).EscapedPath())
	if err != nil {
		base = &url.URL{Scheme: "herald", Path: "/"}
	}
	if id == "" {
		return base
	}
	if u, err := base.Parse(id); err == nil {
		return u
	}
	return base
}

// jsonLinks finds each "$ref" of a document that leads to another file of the folder.
func (f *folder) jsonLinks(v any, base *url.URL, self string, found map[string]string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			f.jsonLinks(item, base, self, found)
		}
	case map[string]any:
		if id, ok := v["$id"].(string); ok && !strings.HasPrefix(id, "#") {
			if u, err := base.Parse(id); err == nil {
				base = u
			}
		}
		for _, keyword := range []string{"$ref", "$dynamicRef"} {
			if to, ok := v[keyword].(string); ok {
				f.jsonLink(to, base, self, found)
			}
		}
		for _, member := range v {
			f.jsonLinks(member, base, self, found)
		}
	}
}

func (f *folder) jsonLink(to string, base *url.URL, self string, found map[string]string) {
	u, err := base.Parse(to)
	if err != nil {
		return
	}
	u.Fragment, u.RawFragment = "", ""
	target, ok := f.ids[u.String()]
	if !ok && u.Scheme == "herald" {
		target = strings.TrimPrefix(path.Clean(u.Path), "/")
	}
	if target == self || !f.has(target, JSONSchema) {
		return
	}
	name, _, _ := strings.Cut(to, "#")
	if base.Scheme != "herald" || u.Scheme != "herald" {
		name = u.String()
	}
	if other, ok := found[name]; ok && other != target {
		name = u.String() // the same words in two places with two bases
	}
	found[name] = target
}

// idOf returns the absolute "$id" of a schema, or "".
func idOf(doc any) string {
	m, _ := doc.(map[string]any)
	id, _ := m["$id"].(string)
	u, err := url.Parse(id)
	if err != nil || !u.IsAbs() {
		return ""
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

// imports finds the imports of a Protobuf file.
var imports = regexp.MustCompile(`(?m)^\s*import\s+(?:public\s+|weak\s+)?["']([^"']+)["']\s*;`)

// comments finds the comments and the strings of a Protobuf file.
var comments = regexp.MustCompile(`(?s)//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'`)

// withoutComments blanks comments and keeps strings, which may hold what looks like one.
func withoutComments(text []byte) []byte {
	return comments.ReplaceAllFunc(text, func(b []byte) []byte {
		if b[0] == '/' {
			return []byte(" ")
		}
		return b
	})
}
