package gate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/internal/outline"
)

// Kind is what happened to a place.
type Kind string

// The kinds of differences.
const (
	// Added says that the place is new.
	Added Kind = "added"
	// Removed says that the place is gone.
	Removed Kind = "removed"
	// Changed says that something about the place differs.
	Changed Kind = "changed"
)

// Difference is one thing in which two schemas differ.
type Difference struct {
	// Kind is what happened.
	Kind Kind `json:"kind"`
	// Path is the place in the data, such as "lines[].sku"; "" is the data itself.
	Path string `json:"path"`
	// What is the property of the place that changed, such as "type", "required", "description" or "minimum"; "" for a place that was added
	// or removed.
	What string `json:"what,omitempty"`
	// Old and New are what it was and is, as text; "" is nothing.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
}

// String returns the difference in one line, beginning with +, - or ~.
func (d Difference) String() string {
	path := d.Path
	if path == "" {
		path = "(the data)"
	}
	switch d.Kind {
	case Added:
		return "+ " + path + ": " + d.New
	case Removed:
		return "- " + path + ": " + d.Old
	case Changed:
	}
	return "~ " + path + ": " + d.What + ": " + orNone(d.Old) + " -> " + orNone(d.New)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Diff lists what differs between two schemas as people read them, in any formats, sorted by path. It tells nothing about compatibility. A
// schema that can't be read is an error that wraps schema.ErrInvalidSchema.
func Diff(older, newer schema.Schema) ([]Difference, error) {
	from, err := places(older)
	if err != nil {
		return nil, err
	}
	to, err := places(newer)
	if err != nil {
		return nil, err
	}
	var ds []Difference
	if older.Format != newer.Format {
		ds = append(ds, Difference{Kind: Changed, What: "format", Old: string(older.Format), New: string(newer.Format)})
	}
	paths := maps.Clone(from)
	maps.Copy(paths, to)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		a, b := from[path], to[path]
		switch {
		case a == nil:
			ds = append(ds, Difference{Kind: Added, Path: path, New: summary(b)})
		case b == nil:
			ds = append(ds, Difference{Kind: Removed, Path: path, Old: summary(a)})
		default:
			ds = append(ds, changes(path, a, b)...)
		}
	}
	return ds, nil
}

// facts are what is known of one place, by name.
type facts map[string]string

func summary(f facts) string {
	text := f["type"]
	if f["required"] != "" {
		text = "required " + text
	}
	return text
}

func changes(path string, a, b facts) []Difference {
	names := maps.Clone(a)
	maps.Copy(names, b)
	var ds []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if a[name] != b[name] {
			ds = append(ds, Difference{Kind: Changed, Path: path, What: name, Old: a[name], New: b[name]})
		}
	}
	return ds
}

// maxPlaces bounds a tree that is written out, since shared definitions are written at each place.
const maxPlaces = 20_000

// places reads a schema into the facts of each place.
func places(s schema.Schema) (map[string]facts, error) {
	root, err := outline.Read(s)
	if err != nil {
		return nil, err
	}
	p := &placer{at: map[string]facts{}, under: map[*outline.Node]bool{}}
	p.node(root, "", false)
	return p.at, nil
}

type placer struct {
	at    map[string]facts
	under map[*outline.Node]bool // what is being written, to end at circles
}

func (p *placer) node(n *outline.Node, path string, required bool) {
	if n == nil || p.under[n] || len(p.at) >= maxPlaces {
		return
	}
	p.under[n] = true
	defer delete(p.under, n)
	if n.Kind == outline.Ref {
		if _, known := p.at[path]; !known && p.under[n.Target] {
			p.put(path, facts{"type": "the same as further up"}, required)
		}
		p.node(n.Target, path, required)
		return
	}
	p.put(path, factsOf(n), required)
	for i := range n.Properties {
		member := &n.Properties[i]
		p.node(member.Node, strings.TrimPrefix(path+"."+member.Name, "."), member.Required)
	}
	p.node(n.Elem, path+"[]", false)
	for i, b := range n.Branches {
		p.node(b, fmt.Sprintf("%s<%d>", path, i), false)
	}
}

func (p *placer) put(path string, f facts, required bool) {
	if required {
		f["required"] = "yes"
	}
	p.at[path] = f
}

// factsOf writes what a node says, without what is below it.
func factsOf(n *outline.Node) facts {
	f := facts{"type": string(n.Kind)}
	if n.Native != "" {
		f["type"] = n.Native
	}
	set := func(name, value string) {
		if value != "" {
			f[name] = value
		}
	}
	set("title", n.Title)
	set("description", n.Description)
	set("format", n.Format)
	set("keywords", strings.Join(n.Rest, ", "))
	for name, on := range map[string]bool{"nullable": n.Nullable, "deprecated": n.Deprecated, "closed": n.Closed} {
		if on {
			f[name] = "yes"
		}
	}
	if n.Enum != nil {
		f["values"] = text(n.Enum)
	}
	if n.HasDefault {
		f["default"] = text(n.Default)
	}
	for _, c := range n.Constraints {
		f[c.Keyword] = text(c.Value)
	}
	return f
}

func text(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(b)
}
