package catalog

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/avro"
	"github.com/herald-go/herald/schema/internal/outline"
	"github.com/herald-go/herald/schema/protobuf"
)

// The schema formats of the AsyncAPI specification ("Schema formats table") and, for JSON Schema 2020-12, of its own pattern.
const (
	format2020  = "application/schema+json;version=2020-12"
	format07    = "application/schema+json;version=draft-07"
	formatAvro  = "application/vnd.apache.avro+json;version=1.9.0"
	formatProto = "application/vnd.google.protobuf;version="
)

// contentType returns the media type of data in a format: that of the format's codec.
func contentType(f schema.Format) string {
	switch f {
	case schema.Avro:
		return avro.ContentType
	case schema.Protobuf:
		return protobuf.ContentType
	case schema.JSONSchema:
	}
	return "application/json"
}

// payload returns the multi-format schema object of a schema that will stand in the components under key.
func payload(s *schema.Schema, key string) (*members, error) {
	switch s.Format {
	case schema.Protobuf:
		m := object().Set("schemaFormat", formatProto+protoVersion(s.Text)).Set("schema", string(s.Text))
		if s.Message != "" {
			m.Set("x-herald-message", s.Message)
		}
		return withReferences(m, s), nil
	case schema.Avro:
		v, err := outline.Decode(s.Text)
		if err != nil {
			return nil, err
		}
		return withReferences(object().Set("schemaFormat", formatAvro).Set("schema", v), s), nil
	case schema.JSONSchema:
	}
	v, err := outline.Decode(s.Text)
	if err != nil {
		return nil, err
	}
	format := format2020
	if m, ok := v.(*members); ok && strings.Contains(fmt.Sprint(m.Get("$schema")), "draft-07") {
		format = format07
	}
	b := &bundle{key: key, places: map[*schema.Schema]string{}}
	v = b.text(s, v, "")
	if b.parts.Len() > 0 {
		m, ok := v.(*members)
		if !ok {
			return nil, fmt.Errorf("a schema that is no object has references")
		}
		m.Set(definitions, &b.parts)
	}
	return object().Set("schemaFormat", format).Set("schema", v), nil
}

// protoVersion returns "2" or "3".
func protoVersion(text []byte) string {
	if strings.Contains(string(text), `"proto3"`) || strings.Contains(string(text), `'proto3'`) {
		return "3"
	}
	return "2"
}

// withReferences adds the texts of other files, which have no place of their own in an AsyncAPI document.
func withReferences(m *members, s *schema.Schema) *members {
	if len(s.References) == 0 {
		return m
	}
	list := object()
	addReferences(list, s, 0)
	return m.Set("x-herald-references", list)
}

func addReferences(list *members, s *schema.Schema, depth int) {
	for i := range s.References {
		r := &s.References[i]
		if depth < schema.MaxReferenceDepth && !list.Has(r.Name) {
			list.Set(r.Name, string(r.Text))
			addReferences(list, &r.Schema, depth+1)
		}
	}
}

// definitions is where the texts of other schemas stand.
const definitions = "x-herald-references"

// bundle puts a JSON Schema and what it refers to into one place, where "#" is the whole AsyncAPI document.
type bundle struct {
	key    string
	parts  members
	places map[*schema.Schema]string
}

// text rewrites the references of one text that stands at a place below the schema.
func (b *bundle) text(s *schema.Schema, v any, at string) any {
	base := at
	return rewrite(v, false, func(ref string) string {
		address, fragment, _ := strings.Cut(ref, "#")
		if address == "" || address == idOf(v) {
			return b.pointer(base, v, fragment)
		}
		for i := range s.References {
			r := &s.References[i]
			if r.Name != address {
				continue
			}
			place, other := b.place(&r.Schema)
			return b.pointer(place, other, fragment)
		}
		return ref
	})
}

func idOf(v any) string {
	m, ok := v.(*members)
	if !ok {
		return ""
	}
	id, _ := m.Get("$id").(string)
	return id
}

// place puts another text among the parts, once, and returns where it is.
func (b *bundle) place(s *schema.Schema) (string, any) {
	v, err := outline.Decode(s.Text)
	if err != nil {
		return "", nil
	}
	if at, ok := b.places[s]; ok {
		return at, v
	}
	name := strconv.Itoa(b.parts.Len() + 1)
	at := "/" + definitions + "/" + name
	b.places[s] = at
	b.parts.Set(name, nil) // its place is taken while what it refers to is read
	b.parts.Set(name, b.text(s, v, at))
	return at, v
}

// pointer returns the place of a fragment of a text in the whole document. Anchors become pointers.
func (b *bundle) pointer(base string, v any, fragment string) string {
	if fragment != "" && !strings.HasPrefix(fragment, "/") {
		if found, ok := anchor(v, fragment, ""); ok {
			fragment = found
		}
	}
	return "#/components/schemas/" + b.key + "/schema" + base + fragment
}

// anchor finds the place of an anchor as a fragment.
func anchor(v any, name, at string) (string, bool) {
	switch v := v.(type) {
	case *members:
		if v.Get("$anchor") == name {
			return at, true
		}
		for _, k := range v.Names() {
			if found, ok := anchor(v.Get(k), name, at+"/"+url.PathEscape(schema.Pointer("", k)[1:])); ok {
				return found, true
			}
		}
	case []any:
		for i, e := range v {
			if found, ok := anchor(e, name, at+"/"+strconv.Itoa(i)); ok {
				return found, true
			}
		}
	}
	return "", false
}

// data are the keywords whose values are data, in which "$ref" is no reference.
var data = []string{"enum", "const", "default", "examples"}

// named are the keywords whose members are schemas by names of the user's own.
var named = []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}

// rewrite copies a schema with other references. "$id", "$anchor" and "$schema" go: the document has no addresses of its own.
func rewrite(v any, isNamed bool, change func(string) string) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = rewrite(e, false, change)
		}
		return out
	case *members:
		out := object()
		for _, k := range v.Names() {
			e := v.Get(k)
			ref, isText := e.(string)
			switch {
			case isNamed:
				out.Set(k, rewrite(e, false, change))
			case k == "$ref" && isText:
				out.Set(k, change(ref))
			case isText && (k == "$id" || k == "$anchor" || k == "$schema"):
			case slices.Contains(data, k):
				out.Set(k, e)
			default:
				out.Set(k, rewrite(e, slices.Contains(named, k), change))
			}
		}
		return out
	}
	return v
}
