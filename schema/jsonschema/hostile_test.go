package jsonschema_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/jsonschema"
)

func TestNoReferenceLeavesTheRegistry(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(`true`))
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "open.json")
	if err := os.WriteFile(file, []byte(`true`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{server.URL + "/x.json", "file://" + file, file, "../../../../../../" + file, "ftp://localhost/x", "other.json"} {
		for _, text := range []string{
			`{"$ref": "` + target + `"}`, `{"$dynamicRef": "` + target + `"}`, `{"$schema": "` + target + `"}`,
			`{"$id": "` + target + `", "$ref": "more.json"}`, `{"properties": {"a": {"items": {"$ref": "` + target + `#/x"}}}}`,
		} {
			_, err := jsonschema.Compiler{}.Compile(schema.Schema{Format: schema.JSONSchema, Text: []byte(text), Source: "order.placed/1.json"})
			if !errors.Is(err, schema.ErrInvalidSchema) {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// quickly fails the test when f takes long enough to be a bomb that went off.
func quickly(t *testing.T, name string, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if d := time.Since(begin); d > 40*time.Second {
		t.Errorf("%s: took %v", name, d)
	}
}

func TestSchemasThatAreBombsAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"deep nesting":             {strings.Repeat(`{"not":`, 10_000) + `{}` + strings.Repeat(`}`, 10_000), "levels"},
		"deep arrays":              {`{"enum":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`, "levels"},
		"an exponent":              {`{"minimum": 1e999999999}`, "exponent"},
		"a long number":            {`{"minimum": ` + strings.Repeat("9", 100_000) + `}`, "numbers"},
		"a pattern":                {`{"pattern": "` + strings.Repeat("(a{1,900}){1,1}", 30) + `"}`, "instructions"},
		"nested repetition":        {`{"pattern": "((a{1000}){1000}){1000}"}`, "regex"},
		"a look-behind":            {`{"pattern": "(?<=a)b"}`, "regex"},
		"alternatives that double": {doubling(30), "apply to one place"},
		"a chain of references":    {chain(5000), "through each other"},
		"no schema":                {`{"type": 7}`, ""},
		"no JSON":                  {`{`, ""},
	} {
		quickly(t, name, func() {
			_, err := jsonschema.Compiler{}.Compile(schema.Schema{Format: schema.JSONSchema, Text: []byte(tc.text), Source: "bomb.json"})
			if !errors.Is(err, schema.ErrInvalidSchema) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %.300v", name, err)
			}
		})
	}
}

// doubling is a schema of n definitions, each of which applies the next one twice.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/d0","$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"d%d":{"type":"string"}}}`, n)
	return b.String()
}

func chain(n int) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/d0","$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"d%d":{"$ref":"#/$defs/d%d"},`, i, i+1)
	}
	fmt.Fprintf(&b, `"d%d":true}}`, n)
	return b.String()
}

func TestDataThatIsABombIsRefused(t *testing.T) {
	t.Parallel()
	enum := `{"items":{"enum":[` + strings.Repeat(`"aaaaaaaa",`, 40_000) + `"b"]}}`
	enum = uniqueEnum(enum)
	for name, tc := range map[string]struct{ schema, data string }{
		"deep nesting":        {`true`, strings.Repeat(`[`, 200_000) + strings.Repeat(`]`, 200_000)},
		"deep objects":        {`{"additionalProperties":{"$ref":"#"}}`, strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100)},
		"an exponent":         {`{"minimum":1}`, `1e999999999`},
		"a negative exponent": {`{"multipleOf":0.1}`, `1e-999999999`},
		"a long number":       {`{"uniqueItems":true}`, `[` + strings.Repeat("9", 500_000) + `,1]`},
		"a huge enum":         {enum, `[` + strings.Repeat(`"c",`, 200_000) + `"c"]`},
		"alternatives that double with every level": {
			`{"$defs":{"n":{"oneOf":[{"properties":{"k":{"$ref":"#/$defs/n"},"x":{"const":1}}},{"properties":{"k":{"$ref":"#/$defs/n"},"x":{"const":2}}}]}},"$ref":"#/$defs/n"}`,
			strings.Repeat(`{"x":1,"k":`, 40) + `{}` + strings.Repeat(`}`, 40),
		},
		"patterns": {
			`{"additionalProperties":{"pattern":"^(` + strings.Repeat(`a?`, 2000) + `)*b$"}}`, `{"a":"` + strings.Repeat("a", 900_000) + `"}`,
		},
	} {
		v := compile(t, jsonschema.Compiler{}, tc.schema)
		quickly(t, name, func() {
			var failed *schema.Error
			if err := v.Validate([]byte(tc.data)); !errors.As(err, &failed) || failed.Violations[0].Keyword != "limit" {
				t.Errorf("%s: %.300v", name, err)
			}
		})
	}
}

// uniqueEnum numbers the entries, since those of an enum must differ.
func uniqueEnum(text string) string {
	n := 0
	for strings.Contains(text, "aaaaaaaa") && n < 1 {
		n++
		var b strings.Builder
		for i, part := range strings.Split(text, "aaaaaaaa") {
			if i > 0 {
				fmt.Fprintf(&b, "v%d", i)
			}
			b.WriteString(part)
		}
		text = b.String()
	}
	return text
}

func TestWhatIsLargeButHarmlessPasses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ schema, data string }{
		"many items": {
			`{"items":{"type":"object","properties":{"a":{"type":"integer"},"b":{"pattern":"^[a-z]+$"}}}}`,
			`[` + strings.Repeat(`{"a":1,"b":"x"},`, 20_000) + `{"a":1,"b":"y"}]`,
		},
		"a tree":      {`{"properties":{"left":{"$ref":"#"},"right":{"$ref":"#"}},"additionalProperties":false}`, strings.Repeat(`{"left":`, 60) + `{}` + strings.Repeat(`}`, 60)},
		"expressions": {`{"oneOf":[{"type":"object","properties":{"op":{"const":1},"l":{"$ref":"#"}}},{"type":"object","properties":{"op":{"const":2},"l":{"$ref":"#"}}},{"type":"string"}]}`, strings.Repeat(`{"op":1,"l":`, 5) + `"a"` + strings.Repeat(`}`, 5)},
		"a schema as data": {
			`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, `{"properties":{"a":{"items":{"type":"string"}}}}`,
		},
		"equal numbers": {`{"uniqueItems":true}`, `[` + numbers(50_000) + `]`},
	} {
		v := compile(t, jsonschema.Compiler{}, tc.schema)
		quickly(t, name, func() {
			if err := v.Validate([]byte(tc.data)); err != nil {
				t.Errorf("%s: %.300v", name, err)
			}
		})
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String() + "-1"
}

func TestACircleOfReferencesInOnePlaceIsAViolationAndNoEndlessLoop(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"$ref":"#"}`, `{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}`} {
		v := compile(t, jsonschema.Compiler{}, text)
		if err := v.Validate([]byte(`{}`)); !errors.Is(err, schema.ErrMismatch) || !strings.Contains(err.Error(), "references end") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAnErrorStaysShortHoweverMuchIsWrong(t *testing.T) {
	t.Parallel()
	v := compile(t, jsonschema.Compiler{}, `{"items":{"type":"string"},"additionalProperties":false}`)
	err := v.Validate([]byte(`[` + strings.Repeat(`1,`, 10_000) + `1]`))
	var failed *schema.Error
	if !errors.As(err, &failed) || len(failed.Violations) != schema.MaxViolations || failed.More != 10_001-schema.MaxViolations {
		t.Fatalf("%.200v", err)
	}
	if failed.Violations[2].Pointer != "/2" || len(err.Error()) > 2000 {
		t.Errorf("%d bytes: %.200v", len(err.Error()), err)
	}
	if err := v.Validate([]byte(`{"` + strings.Repeat("x", 100_000) + `":1}`)); err == nil || len(err.Error()) > 500 {
		t.Errorf("%.200v", err)
	}
}
