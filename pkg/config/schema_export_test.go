package config

import (
	"encoding/json"
	"strings"
)

// object is a JSON object with its members in order, so that the schema reads like the documentation.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encoder.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

const (
	variablePattern = `\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`
	namePattern     = `^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`
	durationPattern = `^([0-9]*\.?[0-9]+(h|m|s|ms|us|µs|ns))+$|^0$|` + variablePattern
)

// SchemaOfKeys makes the schema of the decoder's table of keys.
func SchemaOfKeys() ([]byte, error) {
	top := append(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Herald's configuration file"},
	}, schemaOf(file)...)
	top = append(top, member{"$defs", object{
		{"topic", schemaOf(topic)},
		{"subscription", schemaOf(subscription)},
		{"variable", object{{"type", "string"}, {"pattern", variablePattern}}},
	}})
	compact, err := json.Marshal(top)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(json.RawMessage(compact))
	return []byte(out.String()), err
}

func schemaOf(k *key) object {
	var o object
	if k.doc != "" {
		o = append(o, member{"description", k.doc})
	}
	switch k.kind {
	case section:
		return append(o, sectionSchema(k)...)
	case named:
		each := any(schemaOf(k.each))
		if k.each == topic || k.each == subscription {
			each = object{{"anyOf", []any{object{{"$ref", "#/$defs/" + k.each.name}}, object{{"type", "null"}}}}}
		}
		return append(o, object{
			{"type", []string{"object", "null"}},
			{"patternProperties", object{{"^x-", true}}},
			{"propertyNames", object{{"pattern", namePattern}, {"maxLength", 100}}},
			{"additionalProperties", each},
		}...)
	case list:
		return append(o, object{{"type", "array"}, {"items", schemaOf(k.item)}}...)
	}
	return append(o, leafSchema(k)...)
}

func sectionSchema(k *key) object {
	var properties object
	for _, c := range k.keys {
		properties = append(properties, member{c.name, schemaOf(c)})
	}
	return object{
		{"type", []string{"object", "null"}},
		{"properties", properties},
		{"patternProperties", object{{"^x-", true}}},
		{"additionalProperties", false},
	}
}

func leafSchema(k *key) object {
	orVariable := func(alternatives ...any) object {
		return object{{"anyOf", append(alternatives, object{{"$ref", "#/$defs/variable"}})}}
	}
	switch k.kind {
	case choice:
		return orVariable(object{{"enum", k.values}})
	case flag:
		return orVariable(object{{"type", "boolean"}})
	case whole:
		number := object{{"type", "integer"}, {"minimum", k.min}, {"maximum", k.most()}}
		if k.word != "" {
			return orVariable(number, object{{"const", k.word}})
		}
		return orVariable(number)
	case duration:
		pattern := durationPattern
		if k.word != "" {
			pattern += "|^" + k.word + "$"
		}
		return object{{"type", "string"}, {"pattern", pattern}}
	case name:
		return object{{"type", "string"}, {"pattern", namePattern + "|" + variablePattern}}
	case start:
		return object{{"type", "string"}, {"pattern", `^oldest$|^newest$|^after:.|^[0-9]{4}-[0-9]{2}-[0-9]{2}T|` + variablePattern}}
	case pattern:
		return object{{"type", "string"}, {"pattern", `^[A-Za-z0-9._:/*#-]{1,255}$|` + variablePattern}}
	}
	return object{{"type", "string"}, {"minLength", 1}}
}

// Row is one key as the documentation shows it.
type Row struct{ Key, Type, Default, Meaning, Variable string }

// Rows returns every key that has a value, in the order of the table.
func Rows() []Row { return rowsOf(file, nil, strings.TrimSuffix(prefix, "_")) }

func rowsOf(k *key, path []string, variable string) []Row {
	if k.isLeaf() {
		return []Row{{strings.Join(path, "."), k.expects(), k.fallback, k.doc, variable}}
	}
	separator := "__"
	if len(path) == 0 {
		separator = "_"
	}
	var rows []Row
	for _, c := range k.keys {
		rows = append(rows, rowsOf(c, append(path[:len(path):len(path)], c.name), variable+separator+fold(c.name))...)
	}
	if k.kind != named {
		return rows
	}
	id := "TOPIC"
	if k.each.kind == named {
		id = "GROUP"
	}
	return rowsOf(k.each, append(path[:len(path):len(path)], "<"+strings.ToLower(id)+">"), variable+separator+id)
}
