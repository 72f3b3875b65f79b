package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/herald-go/herald/schema"
)

// validator checks data against one schema.
type validator struct {
	schema  *jsonschema.Schema
	nesting int
	work    work
}

// Validate implements schema.Validator.
func (v *validator) Validate(data []byte) (err error) {
	if over := v.over(data); over != "" {
		return limit(over)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return &schema.Error{Violations: []schema.Violation{{Keyword: "json", Expected: "JSON" + offset(err)}}}
	}
	defer func() {
		if recover() != nil { // the library's, on what it did not think of
			err = limit("a value that the validator can compute with")
		}
	}()
	var failed *jsonschema.ValidationError
	if err := v.schema.Validate(doc); !errors.As(err, &failed) {
		return err
	}
	return schema.NewError(violations(failed))
}

// over says what was expected of data that is too much to validate, or "".
func (v *validator) over(data []byte) string {
	m := measure(data)
	switch {
	case m.depth > v.nesting:
		return "at most " + strconv.Itoa(v.nesting) + " levels of arrays and objects"
	case m.number:
		return "numbers of at most " + strconv.Itoa(maxNumber) + " characters and an exponent of at most " + strconv.Itoa(maxExponent)
	case !v.work.allows(m, len(data)):
		return "data that the schema's alternatives and patterns can be tried on within " + strconv.Itoa(maxApplied) + " steps"
	}
	return ""
}

func limit(expected string) error {
	return &schema.Error{Violations: []schema.Violation{{Keyword: "limit", Expected: expected}}}
}

// offset says where the text stops being JSON. The library's own message would quote it.
func offset(err error) string {
	var s *json.SyntaxError
	if !errors.As(err, &s) {
		return ""
	}
	return ", which ends at byte " + strconv.FormatInt(s.Offset, 10)
}
