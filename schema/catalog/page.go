package catalog

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
	"github.com/herald-go/herald/schema/gate"
	"github.com/herald-go/herald/schema/internal/outline"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Page returns the catalogue as one HTML file, which needs no network, no script and no other file. It is light or dark as its reader's system
// is, and readable on a phone and by a screen reader. Everything that comes from a schema or a configuration is escaped.
func (c *Catalog) Page() ([]byte, error) {
	view := c.view()
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, view); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return b.Bytes(), nil
}

// The page as the template reads it.
type (
	pageView struct {
		Title, Version, Description string
		Servers                     []serverView
		Topics                      []topicView
		Types, Loose                []typeView
		Services                    []serviceView
	}
	serverView  struct{ Broker, Protocol, Address string }
	serviceView struct{ Name, Description, Publishes, Handles string }
	topicView   struct {
		ID, Name, Description string
		Facts                 []string
		Types                 []link
		Publishers, Handlers  []partView
	}
	link     struct{ ID, Name string }
	partView struct {
		Name, How string
		Types     []link
		Versions  string
	}
	typeView struct {
		ID, Name, Title string
		Deprecated      bool
		Topics          []link
		Versions        []versionView
	}
	versionView struct {
		ID, Version, Title, Description, Format string
		Deprecated, Latest, IsCut, Compared     bool
		HasSchema                               bool
		Publishers, Handlers                    string
		Fields                                  []field
		Rules                                   []string
		Kind                                    string
		Example, Text                           string
		Generated                               bool
		Older                                   string
		Changes                                 []changeView
		Breaks                                  []breakView
	}
	changeView struct{ Kind, Path, What, Old, New string }
	breakView  struct{ Who, Path, Message, Rule string }
)

// pageBuilder gives out the ids of the page's parts.
type pageBuilder struct {
	c   *Catalog
	ids *document
}

func (c *Catalog) view() *pageView {
	b := &pageBuilder{c: c, ids: newDocument(c)}
	v := &pageView{Title: c.usage.Title, Version: c.usage.Version, Description: c.usage.Description}
	for _, s := range c.servers {
		v.Servers = append(v.Servers, serverView{s.broker, s.protocol, s.host + s.path})
	}
	for i := range c.topics {
		v.Topics = append(v.Topics, b.topic(&c.topics[i]))
	}
	for i := range c.types {
		if e := b.eventType(&c.types[i]); len(e.Topics) > 0 {
			v.Types = append(v.Types, e)
		} else {
			v.Loose = append(v.Loose, e)
		}
	}
	for _, name := range names(c.usage.Services) {
		s := c.usage.Services[name]
		v.Services = append(v.Services, serviceView{
			Name: name, Description: s.Description, Publishes: strings.Join(names(s.Publishes), ", "), Handles: strings.Join(names(s.Handles), ", "),
		})
	}
	return v
}

// typeLink returns the link to a type.
func (b *pageBuilder) typeLink(name string) link {
	for _, e := range b.c.types {
		if e.name == name {
			return link{"type-" + b.ids.messages[e.versions[len(e.versions)-1].ref], name}
		}
	}
	return link{Name: name}
}

// typeLinks returns one link for each type.
func (b *pageBuilder) typeLinks(refs []schema.Ref) []link {
	var out []link
	for _, r := range refs {
		l := b.typeLink(r.Type)
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

func (b *pageBuilder) topic(t *topic) topicView {
	v := topicView{ID: b.ids.channel[t.name], Name: t.name, Description: t.description, Types: b.typeLinks(t.refs)}
	v.Facts = facts(&t.spec)
	for _, p := range t.publishers {
		v.Publishers = append(v.Publishers, partView{Name: p.who(), Types: b.typeLinks(p.refs)})
	}
	for _, p := range t.handlers {
		how := ""
		switch {
		case p.isBroadcast:
			how = "each instance"
		case p.service == "":
			how = "a group"
		case p.group != p.service:
			how = "group " + p.group
		}
		v.Handlers = append(v.Handlers, partView{Name: p.who(), How: how, Types: b.typeLinks(p.refs)})
	}
	return v
}

func (b *pageBuilder) eventType(e *eventType) typeView {
	v := typeView{ID: b.typeLink(e.name).ID, Name: e.name}
	for _, t := range b.c.topics {
		if t.carries(e.name) {
			v.Topics = append(v.Topics, link{b.ids.channel[t.name], t.name})
		}
	}
	for i := len(e.versions) - 1; i >= 0; i-- {
		one := b.version(&e.versions[i])
		one.Latest = i == len(e.versions)-1
		if i > 0 {
			one.Older = e.versions[i-1].ref.Version
		}
		v.Versions = append(v.Versions, one)
	}
	v.Title = v.Versions[0].Title
	v.Deprecated = v.Versions[0].Deprecated
	return v
}

func (b *pageBuilder) version(o *version) versionView {
	v := versionView{
		ID: b.ids.messages[o.ref], Version: o.ref.Version, Title: o.title(), Description: o.description(), Deprecated: o.isDeprecated(),
		Publishers: b.who(o.ref, func(t *topic) []part { return t.publishers }),
		Handlers:   b.who(o.ref, func(t *topic) []part { return t.handlers }),
	}
	if o.schema == nil {
		return v
	}
	v.HasSchema, v.Text = true, string(o.schema.Text)
	v.Format = map[schema.Format]string{schema.JSONSchema: "JSON Schema", schema.Avro: "Avro", schema.Protobuf: "Protobuf"}[o.schema.Format]
	v.Fields, v.IsCut = fieldsOf(o.root)
	v.Rules = rules(o.root)
	v.Kind = typeText(o.root, 0)
	v.Generated = len(o.root.Resolve().Examples) == 0
	if text, err := outline.Format(outline.Sample(o.root)); err == nil {
		v.Example = string(text)
	}
	v.Compared = o.changed
	for _, d := range topmost(o.changes) {
		v.Changes = append(v.Changes, changeOf(d))
	}
	for _, f := range o.breaks {
		v.Breaks = append(v.Breaks, breakOf(f))
	}
	return v
}

// changeOf returns a difference for the page.
func changeOf(d gate.Difference) changeView {
	return changeView{Kind: string(d.Kind), Path: d.Path, What: d.What, Old: d.Old, New: d.New}
}

// topmost leaves out what came or went with what contains it.
func topmost(all []gate.Difference) []gate.Difference {
	moved := make(map[string]bool)
	for _, d := range all {
		moved[d.Path] = moved[d.Path] || d.Kind != gate.Changed
	}
	var out []gate.Difference
	for _, d := range all {
		isBelow := false
		for i, c := range d.Path {
			isBelow = isBelow || i > 0 && strings.ContainsRune(".[<", c) && moved[d.Path[:i]]
		}
		if !isBelow {
			out = append(out, d)
		}
	}
	return out
}

// breakOf returns what one reading breaks.
func breakOf(f compat.Finding) breakView {
	who := fmt.Sprintf("Version %s can't read all of version %s", f.Newer, f.Older)
	if f.Direction == compat.OldReadsNew {
		who = fmt.Sprintf("Version %s can't read all of version %s", f.Older, f.Newer)
	}
	return breakView{Who: who, Path: cmp.Or(f.Path, "/"), Message: f.Message, Rule: string(f.Rule)}
}

// who lists the services and groups that publish or handle a version.
func (b *pageBuilder) who(ref schema.Ref, of func(*topic) []part) string {
	var out []string
	for i := range b.c.topics {
		for _, p := range of(&b.c.topics[i]) {
			if slices.Contains(p.refs, ref) && !slices.Contains(out, p.who()) {
				out = append(out, p.who())
			}
		}
	}
	return strings.Join(out, ", ")
}

// facts says what a topic should be.
func facts(spec *messaging.Topic) []string {
	var out []string
	if n := spec.Partitions; n > 0 {
		out = append(out, count(int64(n), "partition"))
	}
	if d := spec.MaxAge; d > 0 {
		out = append(out, "kept for "+span(d))
	}
	if n := spec.MaxBytes; n > 0 {
		out = append(out, "at most "+size(n))
	}
	if n := spec.MaxCount; n > 0 {
		out = append(out, "at most "+count(n, "event"))
	}
	return out
}

func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.FormatInt(n, 10) + " " + thing + "s"
}

// span writes a duration in days where it has only whole ones, else without the zeros of Duration.String.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return count(int64(d/day), "day")
	}
	text := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return cmp.Or(text, d.String())
}

// size writes a number of bytes in the largest unit that it has whole ones of.
func size(n int64) string {
	for _, u := range []struct {
		name string
		of   int64
	}{{"TB", 1e12}, {"TiB", 1 << 40}, {"GB", 1e9}, {"GiB", 1 << 30}, {"MB", 1e6}, {"MiB", 1 << 20}, {"kB", 1e3}, {"KiB", 1 << 10}} {
		if n >= u.of && n%u.of == 0 {
			return strconv.FormatInt(n/u.of, 10) + " " + u.name
		}
	}
	return count(n, "byte")
}
