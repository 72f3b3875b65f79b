package catalog_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/catalog"
)

func page(t *testing.T, c *catalog.Catalog) []byte {
	t.Helper()
	out, err := c.Page()
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, out)
	return out
}

// wellFormed reads HTML as XML with HTML's own exceptions: every element that opens is closed, and no id is there twice.
func wellFormed(t *testing.T, html []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(html))
	d.Strict = false
	d.AutoClose = []string{"meta"}
	d.Entity = xml.HTMLEntity
	ids := map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			if a.Name.Local == "id" && ids[a.Value] {
				t.Errorf("the id %q is there twice", a.Value)
			}
			if a.Name.Local == "id" {
				ids[a.Value] = true
			}
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllSubmatch(html, -1) {
		if !ids[string(m[1])] {
			t.Errorf("the link to %q leads nowhere", m[1])
		}
	}
}

func TestThePageOfTheShop(t *testing.T) {
	t.Parallel()
	golden(t, "shop/page.html", page(t, shop(t)))
}

func TestThePageNeedsNothingElse(t *testing.T) {
	t.Parallel()
	html := page(t, shop(t))
	for _, what := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", "src="} {
		if bytes.Contains(html, []byte(what)) {
			t.Errorf("the page has %s", what)
		}
	}
}

func TestThePageSaysWhatTheShopDoes(t *testing.T) {
	t.Parallel()
	page := string(page(t, shop(t)))
	text := strings.Join(strings.Fields(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " "))), " ")
	for _, want := range []string{
		"12 partitions, kept for 30 days", "at most 1 GB", // a topic's settings
		"checkout : order.cancelled , order.placed", // who publishes
		"audit (a group)",                                 // a group that only the configuration names
		"dashboard (each instance)",                       // a broadcast
		"Handled by audit, billing, dashboard, warehouse", // a version's handlers
		"lines[].sku required string What the shop calls it. matches ^[A-Z]{3}-[0-9]+$",
		"payment(card).last4", "ship.country", "string or null",
		"one of EUR, NOK, SEK",
		"added currency : required string", "removed coupon : string", "changed total , description: In cents",
		"coupon deprecated",
		"On no topic that is known.", // coupon.used
		"long (date-time)",           // Avro
		"shelf deprecated",           // Protobuf
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

const hostile = `</code></pre><script>alert(1)</script><img src=x onerror=alert(1)>"'{{.}}&amp;` + "\u202e"

func TestHostileNamesAreEscaped(t *testing.T) {
	t.Parallel()
	var registry schema.Memory
	quoted := strings.NewReplacer(`"`, `\"`).Replace(hostile)
	text := `{"title":"` + quoted + `","description":"` + quoted + `","type":"object","required":["` + quoted + `"],"properties":{"` + quoted +
		`":{"type":"string","enum":["` + quoted + `","b"],"description":"` + quoted + `","default":"` + quoted + `","pattern":"` + quoted + `"}}}`
	for _, version := range []string{"1", "2"} {
		changed := strings.Replace(text, `"b"`, `"`+version+quoted+`"`, 1)
		s := schema.Schema{Format: schema.JSONSchema, Text: []byte(strings.Replace(changed, `,"pattern":"`+quoted+`"`, "", 1))}
		if err := registry.Put(schema.Ref{Type: "a/b:c", Version: version}, s); err != nil {
			t.Fatal(err)
		}
	}
	usage := catalog.Usage{
		Title: hostile, Version: hostile, Description: hostile,
		Topics:   map[string]string{hostile: hostile, "a b": "", "a_b": "", "a/b": ""},
		Services: map[string]catalog.Service{hostile: {Description: hostile, Publishes: map[string][]string{hostile: {"a/b:c", hostile}}, Handles: map[string]catalog.Handles{hostile: {Group: hostile}}}},
	}
	c := build(t, catalog.Config{Registry: &registry, Usage: usage})
	html := page(t, c)
	for _, what := range []string{"<script", "<img", "onerror=alert(1)>\"", "{{"} {
		if bytes.Contains(bytes.ReplaceAll(html, []byte("{{.}}"), nil), []byte(what)) {
			t.Errorf("the page has %s", what)
		}
	}
	doc, err := c.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	resolves(t, doc)
}

func TestACatalogueOfNothingIsStillOne(t *testing.T) {
	t.Parallel()
	cfg, err := config.Loader{Environ: []string{}}.Parse("x", []byte("broker: memory://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []catalog.Config{{}, {Registry: &schema.Memory{}}, {Configs: []*config.Config{cfg}}} {
		html := page(t, build(t, c))
		if !bytes.Contains(html, []byte("No topics are known.")) {
			t.Errorf("%s", html)
		}
	}
}

func TestASchemaThatCantBeReadIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	var registry schema.Memory
	if err := registry.Put(schema.Ref{Type: "a.b", Version: "3"}, schema.Schema{Format: schema.JSONSchema, Text: []byte("[")}); err != nil {
		t.Fatal(err)
	}
	_, err := catalog.Build(t.Context(), catalog.Config{Registry: &registry})
	if !errors.Is(err, schema.ErrInvalidSchema) || !strings.Contains(err.Error(), "a.b version 3") {
		t.Error(err)
	}
}

func TestDefinitionsThatGrowWithoutEndMakeAPageOfBoundedSize(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/d0","$defs":{"d40":{"type":"string"}`)
	for i := range 40 {
		next := string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))
		name := "d" + strings.TrimPrefix(string(rune('0'+i/10))+string(rune('0'+i%10)), "0")
		b.WriteString(`,"` + name + `":{"type":"object","properties":{"a":{"$ref":"#/$defs/d` + strings.TrimPrefix(next, "0") +
			`"},"b":{"$ref":"#/$defs/d` + strings.TrimPrefix(next, "0") + `"}}}`)
	}
	b.WriteString(`}}`)
	var registry schema.Memory
	if err := registry.Put(schema.Ref{Type: "a.b"}, schema.Schema{Format: schema.JSONSchema, Text: []byte(b.String())}); err != nil {
		t.Fatal(err)
	}
	html := page(t, build(t, catalog.Config{Registry: &registry}))
	if len(html) > 1<<20 || !bytes.Contains(html, []byte("There are more")) {
		t.Errorf("%d bytes", len(html))
	}
}
