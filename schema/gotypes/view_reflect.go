package gotypes

import (
	"encoding"
	"encoding/json"
	"reflect"
)

// reflected is a goType of a running program.
type reflected struct{ t reflect.Type }

func (r reflected) kind() reflect.Kind { return r.t.Kind() }
func (r reflected) name() string       { return r.t.Name() }
func (r reflected) pkg() string        { return r.t.PkgPath() }
func (r reflected) id() any            { return r.t }
func (r reflected) elem() goType       { return reflected{r.t.Elem()} }
func (r reflected) key() goType        { return reflected{r.t.Key()} }
func (r reflected) length() int        { return r.t.Len() }
func (r reflected) doc() string        { return "" }

func (r reflected) fields() []goField {
	out := make([]goField, 0, r.t.NumField())
	for i := range r.t.NumField() {
		f := r.t.Field(i)
		out = append(out, goField{name: f.Name, tag: f.Tag, typ: reflected{f.Type}, isEmbedded: f.Anonymous, isExported: f.IsExported()})
	}
	return out
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func (r reflected) marshals() methods {
	m := methods{json: r.t.Implements(jsonMarshaler), text: r.t.Implements(textMarshaler)}
	if !m.json && !m.text && r.t.Kind() != reflect.Pointer && r.t.Kind() != reflect.Interface {
		p := reflect.PointerTo(r.t)
		m.pointer = p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
	}
	return m
}

// values calls the method Values of the type's zero value.
func (r reflected) values() ([]any, error) {
	m, ok := r.t.MethodByName("Values")
	if !ok || r.t.Kind() == reflect.Interface || m.Type.NumIn() != 1 || m.Type.NumOut() != 1 || m.Type.Out(0) != reflect.SliceOf(r.t) {
		return nil, nil
	}
	list := m.Func.Call([]reflect.Value{reflect.Zero(r.t)})[0]
	out := make([]any, 0, list.Len())
	for i := range list.Len() {
		out = append(out, list.Index(i).Interface())
	}
	return out, nil
}
