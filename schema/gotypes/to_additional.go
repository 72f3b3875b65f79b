package gotypes

import (
	"fmt"
	"strings"
)

// additional writes the methods of a struct that takes members of any name.
func (g *generator) additional(name, field, elem string, known []string) string {
	g.use("encoding/json")
	g.use("fmt")
	quoted := make([]string, len(known))
	for i, k := range known {
		quoted[i] = fmt.Sprintf("%q", k)
	}
	return strings.NewReplacer("TYPE", name, "FIELD", field, "ELEM", elem, "KNOWN", strings.Join(quoted, ", ")).Replace(additionalMethods)
}

const additionalMethods = `// MarshalJSON writes the fields and then the members of FIELD.
func (v TYPE) MarshalJSON() ([]byte, error) {
	type plain TYPE
	for _, name := range []string{KNOWN} {
		if _, ok := v.FIELD[name]; ok {
			return nil, fmt.Errorf("the member %q has a field", name)
		}
	}
	fields, err := json.Marshal(plain(v))
	if err != nil || len(v.FIELD) == 0 {
		return fields, err
	}
	rest, err := json.Marshal(v.FIELD)
	if err != nil {
		return nil, err
	}
	if len(fields) == len("{}") {
		return rest, nil
	}
	fields[len(fields)-1] = ','
	return append(fields, rest[1:]...), nil
}

// UnmarshalJSON reads the fields, and all other members into FIELD.
func (v *TYPE) UnmarshalJSON(data []byte) error {
	type plain TYPE
	if err := json.Unmarshal(data, (*plain)(v)); err != nil {
		return err
	}
	var rest map[string]json.RawMessage
	if err := json.Unmarshal(data, &rest); err != nil {
		return err
	}
	for _, name := range []string{KNOWN} {
		delete(rest, name)
	}
	v.FIELD = nil
	for name, text := range rest {
		var value ELEM
		if err := json.Unmarshal(text, &value); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		if v.FIELD == nil {
			v.FIELD = make(map[string]ELEM)
		}
		v.FIELD[name] = value
	}
	return nil
}
`
