package outline

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema"
)

// document is one text of a JSON Schema.
type document struct {
	root     any
	source   string
	resource map[string]any // by absolute $id
	anchors  map[string]any
	base     *url.URL
	others   map[string]*document // by the name that this text calls them
}

// here stands for the address of a text that has none.
var here = &url.URL{Scheme: "herald", Path: "/schema.json"}

func openDocument(s schema.Schema) (*document, error) {
	root, err := Decode(s.Text)
	if err != nil {
		return nil, err
	}
	d := &document{
		root: root, source: s.Source, base: here,
		resource: make(map[string]any), anchors: make(map[string]any), others: make(map[string]*document),
	}
	if m, ok := root.(*Members); ok {
		if id, _ := m.Get("$id").(string); id != "" {
			d.base = join(here, id)
		}
	}
	d.index(root)
	for i := range s.References {
		r := &s.References[i]
		if d.others[r.Name], err = openDocument(r.Schema); err != nil {
			return nil, fmt.Errorf("reference %q: %w", r.Name, err)
		}
	}
	return d, nil
}

func join(base *url.URL, ref string) *url.URL {
	if u, err := base.Parse(ref); err == nil {
		return u
	}
	return base
}

// index notes what has an address or a name of its own.
func (d *document) index(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			d.index(e)
		}
	case *Members:
		if id, _ := v.Get("$id").(string); id != "" {
			d.resource[join(d.base, id).String()] = v
		}
		for _, keyword := range []string{"$anchor", "$dynamicAnchor"} {
			if name, _ := v.Get(keyword).(string); name != "" {
				d.anchors[name] = v
			}
		}
		for _, name := range v.names {
			if name != "enum" && name != "const" && name != "default" && name != "examples" {
				d.index(v.values[name])
			}
		}
	}
}

// place is a subschema with the text that it stands in.
type place struct {
	doc  *document
	at   any
	name string // what its definition is called
}

var errNoTarget = errors.New("not among the schema's own definitions and references")

// find returns what a "$ref" of this text names.
func (d *document) find(ref string) (place, error) {
	address, fragment, _ := strings.Cut(ref, "#")
	to, at := d, d.root
	switch {
	case address == "":
	case d.others[address] != nil:
		to = d.others[address]
		at = to.root
	default:
		full := join(d.base, address)
		full.Fragment = ""
		if other := d.others[full.String()]; other != nil {
			to, at = other, other.root
		} else if at = d.resource[full.String()]; at == nil {
			return place{}, fmt.Errorf("$ref %q: %w", ref, errNoTarget)
		}
	}
	name := nameOfAddress(address)
	if fragment == "" {
		return place{to, at, name}, nil
	}
	if !strings.HasPrefix(fragment, "/") {
		anchored, ok := to.anchors[fragment]
		if !ok {
			return place{}, fmt.Errorf("$ref %q: %w", ref, errNoTarget)
		}
		return place{to, anchored, fragment}, nil
	}
	at, last, ok := walk(at, fragment)
	if !ok {
		return place{}, fmt.Errorf("$ref %q: %w", ref, errNoTarget)
	}
	return place{to, at, last}, nil
}

// nameOfAddress returns "address" for "https://example.com/schemas/address.json" and for "../address/1.json".
func nameOfAddress(address string) string {
	base := strings.TrimSuffix(path.Base(address), path.Ext(address))
	if strings.Trim(base, "0123456789.") == "" {
		base = path.Base(path.Dir(address))
	}
	return strings.Trim(base, "./")
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// walk follows a JSON Pointer in the form of a URL's fragment, and returns its last token too.
func walk(at any, fragment string) (target any, last string, ok bool) {
	plain, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, "", false
	}
	for token := range strings.SplitSeq(plain[1:], "/") {
		last = unescape.Replace(token)
		switch v := at.(type) {
		case *Members:
			if !v.Has(last) {
				return nil, "", false
			}
			at = v.Get(last)
		case []any:
			i, err := strconv.Atoi(last)
			if err != nil || i < 0 || i >= len(v) {
				return nil, "", false
			}
			at = v[i]
		default:
			return nil, "", false
		}
	}
	return at, last, true
}
