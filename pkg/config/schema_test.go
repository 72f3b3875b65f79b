package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/config"
)

func TestTheSchemaIsThatOfTheKeys(t *testing.T) {
	t.Parallel()
	want, err := config.SchemaOfKeys()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "herald.schema.json", want)
	if !*update && string(config.Schema()) != string(want) {
		t.Error("the embedded schema is another one")
	}
}

// The schema's own properties, walked without the table of keys, are the keys of the documentation and the decoder.
func TestTheSchemaKnowsTheKeysOfTheDecoder(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	var inSchema, known []string
	c.walk(c.root, "", func(key string) { inSchema = append(inSchema, key) })
	for _, r := range config.Rows() {
		known = append(known, r.Key)
	}
	slices.Sort(inSchema)
	slices.Sort(known)
	if !slices.Equal(inSchema, known) {
		t.Errorf("schema  %q\ndecoder %q", inSchema, known)
	}
	text, err := os.ReadFile("testdata/examples/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range known { // which the example proves to be decoded
		if name := key[strings.LastIndexByte(key, '.')+1:]; !strings.Contains(string(text), name+":") {
			t.Errorf("%s is not in the example of every key", key)
		}
	}
}

func TestExamplesFollowTheSchemaAndLoad(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	files, err := filepath.Glob("testdata/examples/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, name := range append(files, "testdata/herald.yaml", "testdata/production.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.checkText(string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := hermetic.Load(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{everything, "x-a: [1]\nlimits: {message: '${N}'}\ntopics: {x-y: 3}", "topics:\ngroups:\nkafka:"} {
		if err := c.checkText(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTheSchemaRefusesWhatTheDecoderDoes(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	for _, w := range wrongTexts() {
		err := c.checkText(w.file())
		if w.schema && err == nil {
			t.Errorf("the schema takes %s", w.file())
		}
		if !w.schema && errors.Is(err, errSchema) {
			t.Errorf("mark this case: the schema refuses %s: %v", w.file(), err)
		}
	}
}

// schemaChecker knows the keywords that the published schema uses, and refuses a schema that uses others.
type schemaChecker struct{ root map[string]any }

var errSchema = errors.New("not as the schema says")

func newChecker(t *testing.T) schemaChecker {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(config.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	return schemaChecker{root}
}

func (c schemaChecker) checkText(text string) error {
	v, err := config.Decode(text)
	if err != nil {
		return err
	}
	inJSON, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(inJSON, &v); err != nil {
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

func hold(ok bool) error {
	if !ok {
		return errSchema
	}
	return nil
}

func (c schemaChecker) keyword(at, keyword string, schema map[string]any, v any) error {
	arg := schema[keyword]
	switch keyword {
	case "$schema", "$defs", "title", "description", "patternProperties":
		return nil // patternProperties are seen to with additionalProperties
	case "$ref":
		return c.check(at, c.definition(arg), v)
	case "type":
		return checkType(arg, v)
	case "const":
		return hold(v == arg)
	case "enum":
		return hold(slices.Contains(arg.([]any), v))
	case "anyOf":
		return hold(slices.ContainsFunc(arg.([]any), func(s any) bool { return c.check(at, s.(map[string]any), v) == nil }))
	}
	switch v := v.(type) {
	case string:
		return checkString(keyword, arg, v)
	case float64:
		return checkNumber(keyword, arg, v)
	case []any:
		return c.checkItems(at, keyword, arg, v)
	case map[string]any:
		return c.checkObject(at, keyword, arg, schema, v)
	}
	return nil
}

func (c schemaChecker) definition(ref any) map[string]any {
	return c.root["$defs"].(map[string]any)[strings.TrimPrefix(ref.(string), "#/$defs/")].(map[string]any)
}

func checkType(arg, v any) error {
	names, ok := arg.([]any)
	if !ok {
		names = []any{arg}
	}
	have := "null"
	switch v := v.(type) {
	case string:
		have = "string"
	case bool:
		have = "boolean"
	case float64:
		have = "number"
		if v == float64(int64(v)) {
			have = "integer"
		}
	case map[string]any:
		have = "object"
	case []any:
		have = "array"
	}
	return hold(slices.Contains(names, any(have)))
}

func checkNumber(keyword string, arg any, v float64) error {
	switch keyword {
	case "minimum":
		return hold(v >= arg.(float64))
	case "maximum":
		return hold(v <= arg.(float64))
	}
	return fmt.Errorf("keyword %q is not known", keyword)
}

func checkString(keyword string, arg any, s string) error {
	switch keyword {
	case "minLength":
		return hold(len(s) >= int(arg.(float64)))
	case "maxLength":
		return hold(len(s) <= int(arg.(float64)))
	case "pattern":
		return hold(regexp.MustCompile(arg.(string)).MatchString(s))
	}
	return fmt.Errorf("keyword %q is not known", keyword)
}

func (c schemaChecker) checkItems(at, keyword string, arg any, items []any) error {
	if keyword != "items" {
		return fmt.Errorf("keyword %q is not known", keyword)
	}
	for i, v := range items {
		if err := c.check(fmt.Sprintf("%s[%d]", at, i), arg.(map[string]any), v); err != nil {
			return err
		}
	}
	return nil
}

func (c schemaChecker) checkObject(at, keyword string, arg any, schema, o map[string]any) error {
	for name, v := range o {
		properties, _ := schema["properties"].(map[string]any)
		named, ok := properties[name].(map[string]any)
		isIgnored := strings.HasPrefix(name, "x-") && reflect.DeepEqual(schema["patternProperties"], map[string]any{"^x-": true})
		var err error
		switch {
		case keyword == "properties" && ok:
			err = c.check(at+"."+name, named, v)
		case keyword == "propertyNames":
			err = c.check(at, arg.(map[string]any), name)
		case keyword == "additionalProperties" && !ok && !isIgnored:
			more, isSchema := arg.(map[string]any)
			if err = hold(isSchema); err == nil {
				err = c.check(at+"."+name, more, v)
			}
		case !slices.Contains([]string{"properties", "propertyNames", "additionalProperties"}, keyword):
			err = fmt.Errorf("keyword %q is not known", keyword)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walk calls f with every key that has a value.
func (c schemaChecker) walk(schema map[string]any, path string, f func(key string)) {
	if options, ok := schema["anyOf"].([]any); ok {
		if ref := options[0].(map[string]any)["$ref"]; ref != nil {
			schema = c.definition(ref)
		}
	}
	properties, isSection := schema["properties"].(map[string]any)
	more, isNamed := schema["additionalProperties"].(map[string]any)
	if !isSection && !isNamed {
		f(path)
		return
	}
	for name, s := range properties {
		c.walk(s.(map[string]any), strings.TrimPrefix(path+"."+name, "."), f)
	}
	if !isNamed {
		return
	}
	id := ".<topic>"
	if _, ok := more["additionalProperties"].(map[string]any); ok {
		id = ".<group>"
	}
	c.walk(more, path+id, f)
}
