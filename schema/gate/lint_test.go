package gate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/herald-go/herald/schema/gate"
)

func TestLintSaysWhatEachRuleAsksFor(t *testing.T) {
	t.Parallel()
	many := strings.Builder{}
	for i := range 201 {
		many.WriteString(`"f` + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + `":{"description":"d"},`)
	}
	for _, tc := range []struct {
		rule  gate.Rule
		files map[string]string
		path  string
	}{
		{gate.LintName, map[string]string{"Order/1.json": first}, ""},
		{gate.LintVersion, map[string]string{"a.b/1.json": first, "a.b/3.json": first}, ""},
		{gate.LintVersion, map[string]string{"a.b/v1.json": first}, ""},
		{gate.LintDescription, map[string]string{"a.b/1.json": strings.Replace(first, `"description":"An order was placed.",`, "", 1)}, ""},
		{gate.LintFieldDescription, map[string]string{"a.b/1.json": strings.Replace(first, `,"description":"Which."`, "", 1)}, "id"},
		{gate.LintFieldDescription, map[string]string{"a.b/1.avsc": `{"type":"record","name":"A","doc":"d","fields":[{"name":"id","type":"string"}]}`}, "id"},
		{gate.LintFieldDescription, map[string]string{"a.b/1.proto": "syntax = \"proto3\";\n// d\nmessage A { string id = 1; }"}, "id"},
		{gate.LintFieldCase, map[string]string{"a.b/1.json": `{"description":"d","properties":{"orderId":{"description":"d"},"order_no":{"description":"d"}},"required":["orderId"]}`}, ""},
		{gate.LintSize, map[string]string{"a.b/1.json": strings.Replace(first, "placed.", "placed"+strings.Repeat(".", 64<<10), 1)}, ""},
		{gate.LintFields, map[string]string{"a.b/1.json": `{"description":"d","properties":{` + many.String() + `"id":{"description":"d"}},"required":["id"]}`}, ""},
		{gate.LintEnum, map[string]string{"a.b/1.json": `{"description":"d","properties":{"s":{"description":"d","enum":["a","b"]}},"required":["s"]}`}, "s"},
		{gate.LintEnum, map[string]string{"a.b/1.avsc": `{"type":"record","name":"A","doc":"d","fields":[{"name":"s","doc":"d","type":{"type":"enum","name":"S","symbols":["A","B"]}}]}`}, "s"},
		{gate.LintRequired, map[string]string{"a.b/1.json": strings.Replace(first, `"required":["id"],`, "", 1)}, ""},
		{gate.LintReserved, map[string]string{"a.b/1.proto": "syntax = \"proto3\";\n// d\nmessage A {\n// d\nstring id = 1;\n// d\nstring b = 2; }", "a.b/2.proto": "syntax = \"proto3\";\n// d\nmessage A {\n// d\nstring id = 1; }"}, "A.b"},
	} {
		problems, err := gate.Lint(t.Context(), set(t, tc.files))
		if err != nil {
			t.Fatal(err)
		}
		if len(problems) != 1 || problems[0].Rule != tc.rule || problems[0].Path != tc.path {
			t.Errorf("%s: got %v", tc.rule, problems)
		}
		if problems, err = gate.Lint(t.Context(), set(t, tc.files), tc.rule); err != nil || len(problems) > 0 {
			t.Errorf("%s turned off: got %v, %v", tc.rule, problems, err)
		}
	}
}

func TestEveryLintRuleIsListed(t *testing.T) {
	t.Parallel()
	rules := gate.LintRules()
	for _, r := range []gate.Rule{gate.LintName, gate.LintVersion, gate.LintDescription, gate.LintFieldDescription, gate.LintFieldCase, gate.LintSize, gate.LintFields, gate.LintEnum, gate.LintRequired, gate.LintReserved} {
		if !slices.Contains(rules, r) {
			t.Errorf("%s is not listed", r)
		}
	}
}

func TestLintHasNothingToSayAboutGoodSchemas(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"order.placed/1.json": first, "order.placed/2.json": second, "order.line-item_added/1.json": first,
		"order.paid/1.avsc":  `{"type":"record","name":"A","doc":"d","fields":[{"name":"s","doc":"d","type":{"type":"enum","name":"S","symbols":["A","B"],"default":"A"}}]}`,
		"order.sent/1.proto": "syntax = \"proto3\";\n// d\nmessage A {\n// d\nState s = 1; }\nenum State { NEW = 0; PAID = 1; }",
	}
	if problems, err := gate.Lint(t.Context(), set(t, good)); err != nil || len(problems) > 0 {
		t.Errorf("got %v, %v", problems, err)
	}
}

func TestLintGoesThroughSchemasThatHoldThemselves(t *testing.T) {
	t.Parallel()
	tree := `{"description":"d","type":"object","required":["v"],"properties":{"v":{"type":"integer"},"next":{"description":"d","$ref":"#"}}}`
	problems, err := gate.Lint(t.Context(), set(t, map[string]string{"a.b/1.json": tree}))
	if err != nil || len(problems) != 1 || problems[0].Path != "v" {
		t.Errorf("got %v, %v", problems, err)
	}
}
