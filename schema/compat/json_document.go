package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/schema"
)

// The bounds on one JSON Schema with all it refers to.
const (
	maxJSONDepth    = 128
	maxJSONExponent = 400 // of a number, so that no comparison needs more digits
	maxJSONDigits   = 1000
)

// jsonDocument is one schema with what it refers to, as a set of nodes by address.
type jsonDocument struct {
	nodes     map[string]*jsonNode // by root address and pointer
	resources map[string]*jsonNode // by address, of each $id too
	anchors   map[string]*jsonNode
	legacy    bool // draft-07
	compiler  *jsonschema.Compiler
	compiled  map[*jsonNode]*jsonschema.Schema
	next      *int
}

// jsonNode is one subschema.
type jsonNode struct {
	doc     *jsonDocument
	id      int
	raw     any    // bool or map[string]any
	root    string // the address of the text that it is in
	pointer string // in that text
	base    string // what its references are relative to

	// Of a node made up during the comparison, whose raw is nil: it has one of these kinds, and these properties.
	only    typeSet
	present []string

	// Read from raw when first asked for.
	counted  bool // only is
	required map[string]bool
}

func (n *jsonNode) object() map[string]any {
	m, _ := n.raw.(map[string]any)
	return m
}

// noLoader refuses whatever the text refers to beyond its references.
type noLoader struct{}

func (noLoader) Load(address string) (any, error) {
	return nil, fmt.Errorf("%q is not among the references", address)
}

func loadJSON(v Version, next *int) (*jsonDocument, *jsonNode, error) {
	d := &jsonDocument{
		nodes: map[string]*jsonNode{}, resources: map[string]*jsonNode{}, anchors: map[string]*jsonNode{},
		compiler: jsonschema.NewCompiler(), compiled: map[*jsonNode]*jsonschema.Schema{}, next: next,
	}
	d.compiler.UseLoader(noLoader{})
	budget := schema.MaxText
	root := rootAddress(v.Schema.Source)
	if err := d.add(root, v.Schema, 0, &budget); err != nil {
		return nil, nil, invalid(v, err)
	}
	if _, err := d.compiler.Compile(root); err != nil {
		return nil, nil, invalid(v, err)
	}
	return d, d.nodes[root+"#"], nil
}

// rootAddress is where a schema stands while its references are resolved: in a scheme that nothing loads from.
func rootAddress(source string) string {
	u, err := url.Parse("herald:///" + (&url.URL{Path: source}).EscapedPath())
	if err != nil || source == "" {
		return "herald:///schema.json"
	}
	return u.String()
}

// add reads a text and its references.
func (d *jsonDocument) add(address string, s schema.Schema, depth int, budget *int) error {
	if *budget -= len(s.Text); *budget < 0 || depth > schema.MaxReferenceDepth {
		return errors.New("expected at most " + strconv.Itoa(schema.MaxText) + " bytes and " + strconv.Itoa(schema.MaxReferenceDepth) + " levels of references")
	}
	decoder := json.NewDecoder(bytes.NewReader(s.Text))
	decoder.UseNumber()
	var raw any
	if err := decoder.Decode(&raw); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("expected one JSON document")
	}
	if err := boundJSON(raw, 0); err != nil {
		return err
	}
	if m, ok := raw.(map[string]any); ok && depth == 0 {
		draft, _ := m["$schema"].(string)
		d.legacy = strings.Contains(draft, "draft-07")
	}
	if d.legacy {
		d.compiler.DefaultDraft(jsonschema.Draft7)
	}
	if err := d.compiler.AddResource(address, raw); err != nil {
		return err
	}
	n := d.put(address, "", raw, address)
	d.index(n, raw, "", n.base)
	for _, r := range s.References {
		for _, base := range []string{address, n.base} {
			at, _, _ := strings.Cut(resolve(base, r.Name), "#")
			if d.nodes[at+"#"] != nil {
				continue
			}
			if err := d.add(at, r.Schema, depth+1, budget); err != nil {
				return fmt.Errorf("reference %q: %w", r.Name, err)
			}
		}
	}
	return nil
}

// boundJSON refuses what no comparison needs and some would choke on.
func boundJSON(raw any, depth int) error {
	if depth > maxJSONDepth {
		return errors.New("expected at most " + strconv.Itoa(maxJSONDepth) + " levels")
	}
	switch v := raw.(type) {
	case json.Number:
		return boundNumber(string(v))
	case []any:
		for _, e := range v {
			if err := boundJSON(e, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := boundJSON(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func boundNumber(n string) error {
	_, exponent, found := strings.Cut(strings.ToLower(n), "e")
	if e, err := strconv.Atoi(exponent); len(n) > maxJSONDigits || found && (err != nil || e > maxJSONExponent || e < -maxJSONExponent) {
		return errors.New("number out of range")
	}
	return nil
}

// put makes the node of a place, or finds it.
func (d *jsonDocument) put(root, pointer string, raw any, base string) *jsonNode {
	key := root + "#" + pointer
	if n, ok := d.nodes[key]; ok {
		return n
	}
	*d.next++
	n := &jsonNode{doc: d, id: *d.next, raw: raw, root: root, pointer: pointer, base: base}
	if id := d.identifier(raw); id != "" {
		n.base = resolve(base, id)
	}
	d.nodes[key] = n
	if pointer == "" {
		d.resources[strings.TrimSuffix(root, "#")] = n
		d.resources[n.base] = n
	}
	return n
}

// identifier returns the $id that starts a resource of its own. In draft-07 a $ref hides its siblings, and "#name" is an anchor.
func (d *jsonDocument) identifier(raw any) string {
	m, _ := raw.(map[string]any)
	id, _ := m["$id"].(string)
	if _, ref := m["$ref"]; d.legacy && (ref || strings.HasPrefix(id, "#")) {
		return ""
	}
	return strings.TrimSuffix(id, "#")
}

// index finds every $id and anchor below a place. It looks at every object but those that are data.
func (d *jsonDocument) index(at *jsonNode, raw any, pointer, base string) {
	switch v := raw.(type) {
	case map[string]any:
		n := at
		if pointer != "" && (v["$id"] != nil || v["$anchor"] != nil || v["$dynamicAnchor"] != nil) {
			n = d.put(at.root, pointer, v, base)
			if n.base != base {
				d.resources[n.base] = n
			}
			base = n.base
		}
		d.anchor(n, v)
		for key, e := range v {
			if key != "enum" && key != "const" && key != "default" && key != "examples" {
				d.index(at, e, schema.Pointer(pointer, key), base)
			}
		}
	case []any:
		for i, e := range v {
			d.index(at, e, pointer+"/"+strconv.Itoa(i), base)
		}
	}
}

func (d *jsonDocument) anchor(n *jsonNode, v map[string]any) {
	for _, key := range []string{"$anchor", "$dynamicAnchor"} {
		if name, ok := v[key].(string); ok {
			d.anchors[n.base+"#"+name] = n
		}
	}
	if id, ok := v["$id"].(string); ok && d.legacy && strings.HasPrefix(id, "#") {
		d.anchors[n.base+id] = n
	}
}

// child returns the subschema at these tokens below n, or nil if there is none.
func (n *jsonNode) child(tokens ...string) *jsonNode {
	at, pointer, base, root := n.raw, n.pointer, n.base, n.root
	for _, token := range tokens {
		switch v := at.(type) {
		case map[string]any:
			at = v[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
		pointer = schema.Pointer(pointer, token)
		if known := n.doc.nodes[root+"#"+pointer]; known != nil {
			base = known.base
		}
	}
	switch at.(type) {
	case bool, map[string]any:
		return n.doc.put(root, pointer, at, base)
	}
	return nil
}

var unescaper = strings.NewReplacer("~1", "/", "~0", "~")

// reference returns what a $ref of n names, or nil.
func (n *jsonNode) reference(ref string) *jsonNode {
	address, fragment, _ := strings.Cut(resolve(n.base, ref), "#")
	to := n.doc.resources[address]
	if to == nil || fragment == "" {
		return to
	}
	if anchor := n.doc.anchors[to.base+"#"+fragment]; anchor != nil {
		return anchor
	}
	plain, err := url.PathUnescape(fragment)
	if err != nil || !strings.HasPrefix(plain, "/") {
		return nil
	}
	tokens := strings.Split(plain[1:], "/")
	for i, t := range tokens {
		tokens[i] = unescaper.Replace(t)
	}
	return to.child(tokens...)
}

func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	r, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return r.String()
}
