package envelope_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/herald-go/herald/envelope"
)

// schemaChecker knows the keywords that the published schema uses, and
// refuses a schema that uses others.
type schemaChecker struct{ root map[string]any }

func newChecker(t *testing.T) schemaChecker {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(envelope.JSONSchema(), &root); err != nil {
		t.Fatal(err)
	}
	return schemaChecker{root}
}

func (c schemaChecker) checkText(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return c.check("$", c.root, v)
}

func (c schemaChecker) check(at string, schema map[string]any, v any) error {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		if err := c.keyword(at, keyword, schema, v); err != nil {
			return fmt.Errorf("%s: %s: %w", at, keyword, err)
		}
	}
	return nil
}

var errSchema = fmt.Errorf("not as the schema says")

func (c schemaChecker) keyword(at, keyword string, schema map[string]any, v any) error {
	arg := schema[keyword]
	switch keyword {
	case "$schema", "$defs", "title", "description":
		return nil
	case "$ref":
		name := strings.TrimPrefix(arg.(string), "#/$defs/")
		return c.check(at, c.root["$defs"].(map[string]any)[name].(map[string]any), v)
	case "type":
		return checkType(arg, v)
	case "const":
		return hold(v == arg)
	case "anyOf":
		return c.anyOf(at, arg.([]any), v)
	case "not":
		return hold(c.check(at, arg.(map[string]any), v) != nil)
	}
	if s, ok := v.(string); ok {
		return checkString(keyword, arg, s)
	}
	if o, ok := v.(map[string]any); ok {
		return c.checkObject(at, keyword, arg, schema, o)
	}
	return nil
}

func hold(ok bool) error {
	if !ok {
		return errSchema
	}
	return nil
}

func (c schemaChecker) anyOf(at string, schemas []any, v any) error {
	for _, s := range schemas {
		if c.check(at, s.(map[string]any), v) == nil {
			return nil
		}
	}
	return errSchema
}

func checkType(arg, v any) error {
	names, ok := arg.([]any)
	if !ok {
		names = []any{arg}
	}
	have := map[string]bool{}
	switch v.(type) {
	case string:
		have["string"] = true
	case float64:
		have["number"] = true
	case map[string]any:
		have["object"] = true
	}
	return hold(slices.ContainsFunc(names, func(n any) bool { return have[n.(string)] }))
}

func checkString(keyword string, arg any, s string) error {
	switch keyword {
	case "minLength":
		return hold(utf8.RuneCountInString(s) >= int(arg.(float64)))
	case "maxLength":
		return hold(utf8.RuneCountInString(s) <= int(arg.(float64)))
	case "pattern":
		// ECMA 262 writes \u0000 where RE2 writes \x{0000}.
		re := regexp.MustCompile(`\\u([0-9a-f]{4})`).ReplaceAllString(arg.(string), `\x{$1}`)
		return hold(regexp.MustCompile(re).MatchString(s))
	}
	return fmt.Errorf("keyword %q is not known", keyword)
}

func (c schemaChecker) checkObject(at, keyword string, arg any, schema, o map[string]any) error {
	switch keyword {
	case "required":
		return hold(!slices.ContainsFunc(arg.([]any), func(n any) bool { _, ok := o[n.(string)]; return !ok }))
	case "maxProperties":
		return hold(len(o) <= int(arg.(float64)))
	case "properties":
		for name, s := range arg.(map[string]any) {
			if v, ok := o[name]; ok {
				if err := c.check(at+"."+name, s.(map[string]any), v); err != nil {
					return err
				}
			}
		}
		return nil
	case "propertyNames":
		for name := range o {
			if err := c.check(at, arg.(map[string]any), name); err != nil {
				return err
			}
		}
		return nil
	case "additionalProperties":
		named, _ := schema["properties"].(map[string]any)
		for name, v := range o {
			if _, ok := named[name]; ok {
				continue
			}
			if err := c.check(at+"."+name, arg.(map[string]any), v); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("keyword %q is not known", keyword)
}

func TestWhatIsWrittenFollowsTheSchema(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	events := []envelope.Event{full(), minimal(), articleEvent(), binaryData(), sample()}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		events = append(events, randomEvent(rnd))
	}
	for _, e := range events {
		for _, codec := range []envelope.JSONCodec{{}, {TypeMember: "eventType"}} {
			var r envelope.Record
			if err := codec.Encode(&r, &e); err != nil {
				t.Fatal(err)
			}
			if err := c.checkText(r.Body); err != nil {
				t.Errorf("%v: %s", err, r.Body)
			}
		}
	}
}

// Each document is refused by the checker and, where it is broken rather than
// unfit for publishing, by Decode: schema and code say the same.
func TestTheSchemaRefusesWrongDocuments(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	if err := c.checkText([]byte(with(`"key":"k","data":[1]`))); err != nil {
		t.Fatalf("a right document: %v", err)
	}
	for _, tc := range []struct {
		body     string
		readable bool
	}{
		{`[]`, false},
		{`{"eventId":"1","type":"ping"}`, true}, // not marked in itself; the content type does it here
		{`{"herald":2,"eventId":"1","type":"ping"}`, false},
		{`{"herald":"1","eventId":"1","type":"ping"}`, false},
		{`{"herald":1,"type":"ping"}`, false},
		{`{"herald":1,"eventId":"1"}`, false},
		{`{"herald":1,"eventId":"","type":"ping"}`, false},
		{`{"herald":1,"eventId":1,"type":"ping"}`, false},
		{`{"herald":1,"eventId":"1\n","type":"ping"}`, false},
		{`{"herald":1,"eventId":"1","type":"a b"}`, false},
		{`{"herald":1,"eventId":"1","eventType":""}`, false},
		{with(`"timestamp":"yesterday"`), false},
		{with(`"timestamp":"2024-01-15T10:30:00"`), false},
		{with(`"deliverAt":true`), false},
		{with(`"version":[]`), false},
		{with(`"source":1`), false},
		{with(`"key":"` + strings.Repeat("k", 1025) + `"`), true},
		{with(`"contentType":"` + strings.Repeat("k", 256) + `"`), true},
		{with(`"headers":[]`), false},
		{with(`"headers":{"a":1}`), false},
		{with(`"headers":{"A":"1"}`), true},
		{with(`"headers":{"a":"1\n"}`), true},
		{with(`"headers":{` + strings.TrimSuffix(manyMembers(129), ",") + `}`), false},
		{with(`"data":1,"data_base64":"AQ=="`), false},
		{with(`"data_base64":"AQ"`), false},
		{with(`"data_base64":{}`), false},
	} {
		if c.checkText([]byte(tc.body)) == nil {
			t.Errorf("the schema takes %s", tc.body)
		}
		if err := envelope.JSON.Decode(&envelope.Event{}, jsonRecord(tc.body), envelope.Limits{}); (err == nil) != tc.readable {
			t.Errorf("decoding %s: %v", tc.body, err)
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"h%d":"",`, i)
	}
	return b.String()
}

func TestJSONSchemaGivesACopy(t *testing.T) {
	t.Parallel()
	clear(envelope.JSONSchema())
	if envelope.JSONSchema()[0] != '{' {
		t.Error("writing into the result changed the schema")
	}
}
