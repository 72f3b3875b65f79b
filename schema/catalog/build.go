package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/schema"
)

// Registry is a registry that can say what it holds, as schema.Memory and what schema.Folder returns do.
type Registry interface {
	schema.Registry
	schema.Lister
}

// Config is what a catalogue is made of.
type Config struct {
	// Registry has the schemas. None by default: then the catalogue has the types that are used, without their data.
	Registry Registry
	// Configs are the configurations of the services, one or more; none by default.
	Configs []*config.Config
	// Usage says who publishes and handles what.
	Usage Usage
}

// Catalog is what Build found. It is immutable and safe for concurrent use.
type Catalog struct {
	usage   Usage
	servers []server
	topics  []topic
	types   []eventType
	loose   []string // types that no topic has
}

// topic is one topic with all that is known of it.
type topic struct {
	name, description string
	spec              messaging.Topic
	publishers        []part
	handlers          []part
	refs              []schema.Ref // what it carries
}

// part is the part that a service or a group has in a topic.
type part struct {
	service, group string
	isBroadcast    bool
	patterns       []string
	refs           []schema.Ref
}

// Build puts a catalogue together. It asks the registry for everything that it holds, until ctx ends at the latest. A schema that can't be read
// is an error that wraps schema.ErrInvalidSchema and names it.
func Build(ctx context.Context, c Config) (*Catalog, error) {
	b := &builder{topics: make(map[string]*topic)}
	var refs []schema.Ref
	if c.Registry != nil {
		var err error
		if refs, err = c.Registry.List(ctx); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
	}
	for _, cfg := range c.Configs {
		b.config(cfg)
	}
	b.usage(c.Usage)
	refs = b.known(refs)
	out := &Catalog{usage: c.Usage, servers: servers(c.Configs)}
	out.usage.Title = cmp.Or(out.usage.Title, "Events")
	out.usage.Version = cmp.Or(out.usage.Version, "1")
	for _, name := range names(b.topics) {
		t := b.topics[name]
		t.settle(refs)
		out.topics = append(out.topics, *t)
	}
	types, err := readTypes(ctx, c.Registry, refs)
	out.types = types
	for _, e := range types {
		if !slices.ContainsFunc(out.topics, func(t topic) bool { return t.carries(e.name) }) {
			out.loose = append(out.loose, e.name)
		}
	}
	return out, err
}

// builder gathers topics from all sides.
type builder struct{ topics map[string]*topic }

func (b *builder) topic(name string) *topic {
	if b.topics[name] == nil {
		b.topics[name] = &topic{name: name}
	}
	return b.topics[name]
}

// config takes the topics and groups of a configuration.
func (b *builder) config(cfg *config.Config) {
	for _, spec := range cfg.Topics() {
		t := b.topic(spec.Name)
		spec.Groups = append(t.spec.Groups, spec.Groups...)
		t.spec = spec
		for _, group := range spec.Groups {
			t.handler(part{group: group})
		}
	}
	for _, h := range cfg.Handled() {
		b.topic(h.Topic).handler(part{group: h.Group, patterns: h.Types})
	}
}

// usage takes who publishes and handles.
func (b *builder) usage(u Usage) {
	for _, name := range names(u.Topics) {
		b.topic(name).description = u.Topics[name]
	}
	for _, name := range names(u.Services) {
		s := u.Services[name]
		for _, topic := range names(s.Publishes) {
			t := b.topic(topic)
			t.publishers = append(t.publishers, part{service: name, patterns: s.Publishes[topic]})
		}
		for _, topic := range names(s.Handles) {
			h := s.Handles[topic]
			p := part{service: name, isBroadcast: h.Broadcast, patterns: h.Types}
			if !h.Broadcast {
				p.group = cmp.Or(h.Group, name)
			}
			b.topic(topic).handler(p)
		}
	}
}

// handler adds a group, or what else is known of it.
func (t *topic) handler(p part) {
	for i := range t.handlers {
		old := &t.handlers[i]
		if p.group == "" || old.group != p.group || old.service != "" && p.service != "" && old.service != p.service {
			continue
		}
		old.service = cmp.Or(old.service, p.service)
		if len(p.patterns) > 0 {
			old.patterns = p.patterns
		}
		return
	}
	t.handlers = append(t.handlers, p)
}

// known adds the types that somebody names and the registry does not have.
func (b *builder) known(refs []schema.Ref) []schema.Ref {
	for _, name := range names(b.topics) {
		t := b.topics[name]
		for _, p := range slices.Concat(t.publishers, t.handlers) {
			for _, pattern := range p.patterns {
				known := func(r schema.Ref) bool { return matches(pattern, r) }
				if !isExact(pattern) || slices.ContainsFunc(refs, known) {
					continue
				}
				typ, version := refOf(pattern)
				refs = append(refs, schema.Ref{Type: typ, Version: version}.Canonical())
			}
		}
	}
	refs = slices.Clone(refs)
	slices.SortFunc(refs, schema.Ref.Compare)
	return slices.Compact(refs)
}

// settle finds out which types a topic carries and who has which of them.
func (t *topic) settle(refs []schema.Ref) {
	for _, ref := range refs {
		for _, p := range slices.Concat(t.publishers, t.handlers) {
			if p.names(ref) {
				t.refs = append(t.refs, ref)
				break
			}
		}
	}
	for _, list := range [][]part{t.publishers, t.handlers} {
		slices.SortFunc(list, func(a, b part) int {
			return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.group, b.group))
		})
		for i := range list {
			p := &list[i]
			for _, ref := range t.refs {
				if len(p.patterns) == 0 || p.names(ref) {
					p.refs = append(p.refs, ref)
				}
			}
		}
	}
}

// names reports whether one of the patterns means a type.
func (p *part) names(ref schema.Ref) bool {
	return slices.ContainsFunc(p.patterns, func(pattern string) bool { return matches(pattern, ref) })
}

func (t *topic) carries(typ string) bool {
	return slices.ContainsFunc(t.refs, func(r schema.Ref) bool { return r.Type == typ })
}

// who names a part for people and for ids.
func (p *part) who() string { return cmp.Or(p.service, p.group) }
