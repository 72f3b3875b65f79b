package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/internal/outline"
)

// members is a JSON object in the order of writing.
type members = outline.Members

func object() *members { return &members{} }

// set adds a text that is not empty.
func set(m *members, name, value string) {
	if value != "" {
		m.Set(name, value)
	}
}

// AsyncAPI returns the catalogue as an AsyncAPI 3.0.0 document in JSON (https://www.asyncapi.com/docs/reference/specification/v3.0.0): a channel
// for each topic, a message for each type and version with its schema, and operations for each service and group. It is written from the
// services' side: send is what a service publishes, receive what it handles.
//
// JSON Schema 2020-12, Avro and Protobuf stand in multi-format schema objects. References within a schema are rewritten to their place in the
// document, and those to other schemas stand beside it.
func (c *Catalog) AsyncAPI() ([]byte, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	return outline.Format(doc)
}

// document returns the whole document.
func (c *Catalog) document() (*members, error) {
	d := newDocument(c)
	doc := object().Set("asyncapi", "3.0.0")
	info := object().Set("title", c.usage.Title).Set("version", c.usage.Version)
	set(info, "description", c.usage.Description)
	doc.Set("info", info).Set("defaultContentType", "application/json")
	if len(c.servers) > 0 {
		doc.Set("servers", d.servers())
	}
	doc.Set("channels", d.channels()).Set("operations", d.operations())
	components, err := d.components()
	if err != nil {
		return nil, err
	}
	return doc.Set("components", components), nil
}

// document gathers what the parts of the document refer to.
type document struct {
	c        *Catalog
	messages map[schema.Ref]string // keys of components
	channel  map[string]string     // keys by topic
	keys     map[string]bool
}

func newDocument(c *Catalog) *document {
	d := &document{c: c, messages: make(map[schema.Ref]string), channel: make(map[string]string), keys: make(map[string]bool)}
	for _, e := range c.types {
		for _, v := range e.versions {
			d.messages[v.ref] = d.key(v.ref.Type + ".v" + v.ref.Version)
		}
	}
	for _, t := range c.topics {
		d.channel[t.name] = d.key("topic." + t.name)
	}
	return d
}

// key makes a text fit for the keys of the document, each once.
func (d *document) key(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, text)
	for d.keys[clean] {
		clean += "_"
	}
	d.keys[clean] = true
	return clean
}

func reference(parts ...string) *members {
	return object().Set("$ref", "#/"+strings.Join(parts, "/"))
}

func (d *document) servers() *members {
	out := object()
	for _, s := range d.c.servers {
		m := object().Set("host", s.host)
		set(m, "pathname", s.path)
		m.Set("protocol", s.protocol)
		out.Set(s.id, m)
	}
	return out
}

func (d *document) channels() *members {
	out := object()
	for i := range d.c.topics {
		t := &d.c.topics[i]
		m := object().Set("address", t.name)
		set(m, "description", t.description)
		messages := object()
		for _, ref := range t.refs {
			messages.Set(d.messages[ref], reference("components", "messages", d.messages[ref]))
		}
		m.Set("messages", messages)
		if b := d.channelBindings(t); b.Len() > 0 {
			m.Set("bindings", b)
		}
		out.Set(d.channel[t.name], m)
	}
	return out
}

func (d *document) operations() *members {
	out := object()
	for i := range d.c.topics {
		t := &d.c.topics[i]
		for _, p := range t.publishers {
			d.operation(out, t, p, "send", fmt.Sprintf("%s publishes to %s.", p.who(), t.name))
		}
		for _, p := range t.handlers {
			summary := fmt.Sprintf("%s handles %s in the group %s.", p.who(), t.name, p.group)
			if p.isBroadcast {
				summary = fmt.Sprintf("Each instance of %s gets every event of %s.", p.who(), t.name)
			}
			d.operation(out, t, p, "receive", summary)
		}
	}
	return out
}

func (d *document) operation(out *members, t *topic, p part, action, summary string) {
	id := p.who() + "." + action + "." + t.name
	if p.group != "" && p.group != p.who() {
		id += "." + p.group
	}
	m := object().Set("action", action).Set("channel", reference("channels", d.channel[t.name])).Set("summary", summary)
	m.Set("tags", []any{object().Set("name", p.who())})
	if len(p.refs) > 0 {
		var list []any
		for _, ref := range p.refs {
			list = append(list, reference("channels", d.channel[t.name], "messages", d.messages[ref]))
		}
		m.Set("messages", list)
	}
	if b := d.operationBindings(t, p); b.Len() > 0 {
		m.Set("bindings", b)
	}
	if p.group != "" {
		m.Set("x-herald-group", p.group)
	}
	if len(p.patterns) > 0 && slices.ContainsFunc(p.patterns, func(s string) bool { return !isExact(s) }) {
		m.Set("x-herald-types", texts(p.patterns))
	}
	out.Set(d.key(id), m)
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func (d *document) components() (*members, error) {
	messages, schemas := object(), object()
	for i := range d.c.types {
		for j := range d.c.types[i].versions {
			v := &d.c.types[i].versions[j]
			key := d.messages[v.ref]
			if v.schema != nil {
				payload, err := payload(v.schema, key)
				if err != nil {
					return nil, fmt.Errorf("catalogue: %s: %w", v.ref, err)
				}
				schemas.Set(key, payload)
			}
			messages.Set(key, d.message(v, key))
		}
	}
	schemas.Set(headersKey, headers())
	return object().Set("messages", messages).Set("schemas", schemas), nil
}

// message returns the message of one version.
func (d *document) message(v *version, key string) *members {
	m := object().Set("name", v.ref.Type).Set("title", cmp.Or(v.title(), v.ref.String()))
	if text := v.description(); text != "" {
		m.Set("description", text)
	}
	if v.schema != nil {
		m.Set("contentType", contentType(v.schema.Format))
	}
	m.Set("headers", reference("components", "schemas", headersKey))
	if v.schema != nil {
		m.Set("payload", reference("components", "schemas", key))
	}
	m.Set("correlationId", object().Set("description", "Shared by all events of one business operation.").
		Set("location", "$message.header#/herald-correlation-id"))
	if v.isDeprecated() {
		m.Set("deprecated", true)
	}
	if v.root != nil && v.schema.Format == schema.JSONSchema {
		if sample, ok := outline.Sample(v.root).(*members); ok {
			m.Set("examples", []any{object().Set("payload", sample)})
		}
	}
	return m.Set("x-herald-version", v.ref.Version)
}

func (v *version) title() string {
	if v.root == nil {
		return ""
	}
	return cmp.Or(v.root.Title, v.root.Resolve().Title)
}

func (v *version) description() string {
	if v.root == nil {
		return ""
	}
	return cmp.Or(v.root.Description, v.root.Resolve().Description)
}

func (v *version) isDeprecated() bool {
	return v.root != nil && (v.root.Deprecated || v.root.Resolve().Deprecated)
}
