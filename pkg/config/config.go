package config

import (
	"slices"

	"github.com/herald-go/herald/pkg/messaging"
)

// Config is what files and environment say, checked. Load, LoadFS and Parse make it; the zero value says nothing. It is immutable and safe
// for concurrent use. Printing it shows no secret.
type Config struct {
	state func() *state // a function, which fmt never looks into; it does look behind pointers when the verb is a wrong one
}

// state is what a Config holds.
type state struct {
	root       *node
	url        string
	connection Connection
	schemas    Schemas
	warnings   []string
}

// get returns the state, also of the zero Config.
func (c *Config) get() *state {
	if c == nil || c.state == nil {
		return &state{root: newSection(file)}
	}
	return c.state()
}

// URL returns the broker's URL for adapters.Open: that of the key broker, with what the section of its broker adds. A user and a password
// stand before the host; any other key is a parameter under its name, with an underscore between levels (tls_ca_file). It holds the
// password: it must not be printed.
func (c *Config) URL() string { return c.get().url }

// Connection returns the section of the broker in use; the zero Connection for the memory broker, which has no such keys. URL holds the
// same.
func (c *Config) Connection() Connection { return c.get().connection }

// Options returns the options for adapters.Open. Options that follow them win, and one that follows WithConfig replaces them whole: to set
// values in code that files may change, use Loader.Code.
func (c *Config) Options() []messaging.Option {
	return []messaging.Option{messaging.WithConfig(c.messaging())}
}

// Service returns the program's name, or "".
func (c *Config) Service() string {
	s, _ := c.get().root.value("service")
	return s
}

// Warnings returns what is no error and should be looked at: secrets that every user of the machine can read, certificates that are not
// checked, names that are ignored because they begin with x-. Each is one line and holds no secret.
func (c *Config) Warnings() []string { return slices.Clone(c.get().warnings) }

// messaging returns what is given, and leaves the defaults to pkg/messaging.
func (c *Config) messaging() messaging.Config {
	root := c.get().root
	var out messaging.Config
	out.Service = c.Service()
	out.Form, _ = root.value("form")
	switch v, _ := root.value("unrouted"); v {
	case "keep":
		out.Unrouted = messaging.KeepUnrouted
	case "drop":
		out.Unrouted = messaging.DropUnrouted
	}
	out.PublishTimeout, _ = root.span("publish_timeout")
	out.DrainTimeout, _ = root.span("drain_timeout")
	out.MustRunOn, _ = root.list("must_run_on")
	for name, to := range map[string]*int{
		"message": &out.Limits.Message, "header_bytes": &out.Limits.HeaderBytes,
		"header_count": &out.Limits.HeaderCount, "nesting": &out.Limits.Nesting,
	} {
		n, _ := root.number("limits", name)
		*to = int(n)
	}
	topics := root.at("topics")
	for _, name := range topics.names() {
		v, _ := topics.value(name, "declare")
		if v == "none" {
			continue
		}
		t := topicOf(name, topics.at(name))
		t.Verify = v == "verify"
		out.Topics = append(out.Topics, t)
	}
	return out
}

func topicOf(name string, n *node) messaging.Topic {
	t := messaging.Topic{Name: name}
	partitions, _ := n.number("partitions")
	t.Partitions = int(partitions)
	t.MaxAge, _ = n.span("history")
	t.MaxBytes, _ = n.number("max_bytes")
	t.MaxCount, _ = n.number("max_count")
	t.Groups, _ = n.list("groups")
	return t
}

// Subscription returns the options that the file has for a group of a topic, messaging.Group first; an empty group is the service. A group
// or topic that no file names gets no other option. Of options that set the same, the last counts: the program's own belong before these,
// so that the file wins. Window and Retry set several keys at once; to set one of them in code and another in a file, use Loader.Code.
func (c *Config) Subscription(topic, group string) []messaging.SubscribeOption {
	if group == "" {
		group = c.Service()
	}
	out := []messaging.SubscribeOption{messaging.Group(group)}
	n := c.get().root.at("groups", group, topic)
	if n == nil {
		return out
	}
	if v, ok := n.number("concurrency"); ok {
		out = append(out, messaging.Concurrency(int(v)))
	}
	events, hasEvents := n.number("window")
	bytes, hasBytes := n.number("window_bytes")
	if hasEvents || hasBytes {
		out = append(out, messaging.Window(int(events), int(bytes)))
	}
	if v, ok := n.number("order_across_replicas"); ok {
		out = append(out, messaging.OrderAcrossReplicas(int(v)))
	}
	if v, ok := n.value("from"); ok {
		at, _ := startOf(v) // checked when it was read
		out = append(out, messaging.From(at))
	}
	if v, ok := n.list("types"); ok {
		out = append(out, messaging.Types(v...))
	}
	return append(out, failures(n)...)
}

// failures returns the options for attempts that fail.
func failures(n *node) []messaging.SubscribeOption {
	var out []messaging.SubscribeOption
	if _, ok := n.value("timeout"); ok {
		d, isLimited := n.span("timeout")
		if !isLimited {
			d = -1 // the word for none
		}
		out = append(out, messaging.HandlerTimeout(d))
	}
	if _, ok := n.value("quarantine"); ok {
		most, isLimited := n.number("quarantine")
		if !isLimited {
			most = -1 // the word for never
		}
		out = append(out, messaging.Quarantine(int(most)))
	}
	policy := messaging.RetryPolicy{Quick: n.spans("retry", "quick"), Later: n.spans("retry", "later")}
	later, hasLater := n.value("when_later")
	if later == "block" {
		policy.WhenLater = messaging.Block
	}
	if hasLater || policy.Quick != nil || policy.Later != nil {
		out = append(out, messaging.Retry(policy))
	}
	return out
}
