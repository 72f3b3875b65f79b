package jsonschema

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/schema"
)

// nowhere is the loader of what is no reference of the schema's: it loads nothing.
type nowhere struct{}

var errNowhere = errors.New("not among the schema's references, and nothing else is loaded")

// Load implements the library's loader.
func (nowhere) Load(string) (any, error) { return nil, errNowhere }

// rootURL is where a schema stands while it is compiled: in a scheme that nothing loads from.
func rootURL(source string) string {
	u, err := url.Parse("herald:///" + (&url.URL{Path: source}).EscapedPath())
	if err != nil || source == "" {
		return "herald:///schema.json"
	}
	return u.String()
}

// resources are the documents that one compilation may read.
type resources struct {
	lib   *jsonschema.Compiler
	added map[string]schema.Fingerprint
}

// add gives the library a document and all that it refers to, and returns the document's URL.
func (r *resources) add(at string, s *schema.Schema) (string, error) {
	if s.Format != schema.JSONSchema {
		return "", fmt.Errorf("%s: expected JSON Schema, got %q", s.Source, s.Format)
	}
	doc, err := parse(s.Text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.Source, err)
	}
	if err := r.put(at, doc, s); err != nil {
		return "", err
	}
	bases := []string{at}
	if id := absoluteID(doc); id != "" && id != at {
		if err := r.put(id, doc, s); err != nil {
			return "", err
		}
		bases = append(bases, id)
	}
	for i := range s.References {
		ref := &s.References[i]
		for _, base := range bases {
			u, err := resolve(base, ref.Name)
			if err != nil {
				return "", fmt.Errorf("reference %q: %w", ref.Name, err)
			}
			if f, ok := r.added[u]; ok && f == ref.Fingerprint() {
				continue
			}
			if _, err := r.add(u, &ref.Schema); err != nil {
				return "", err
			}
		}
	}
	return at, nil
}

// put gives the library one document, which may be known already, but as no other.
func (r *resources) put(at string, doc any, s *schema.Schema) error {
	f := s.Fingerprint()
	if known, ok := r.added[at]; ok {
		if known != f {
			return fmt.Errorf("%s names two schemas", at)
		}
		return nil
	}
	r.added[at] = f
	return r.lib.AddResource(at, doc)
}

func resolve(base, name string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(name)
	if err != nil {
		return "", err
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String(), nil
}

// absoluteID returns the document's absolute "$id", or "".
func absoluteID(doc any) string {
	m, _ := doc.(map[string]any)
	id, _ := m["$id"].(string)
	u, err := url.Parse(id)
	if err != nil || !u.IsAbs() {
		return ""
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}
