package config

import (
	"maps"
	"time"
)

// Schemas is what the section schemas says, and what topics say of theirs. The zero value says nothing: no data is checked.
type Schemas struct {
	// Folder is a folder of schemas and Registry the URL of a registry; at most one is set. Registry may hold a password: it must not be
	// printed.
	Folder, Registry string
	// Unknown is the policy for types and versions without a schema: "refuse", "warn" or "pass"; empty is "refuse".
	Unknown string
	// Framing is what stands before the data on the wire: "none" or "confluent"; empty is "none".
	Framing string
	// Timeout bounds one question to the registry; 0 leaves it to the client.
	Timeout time.Duration
	// Username is the user at the registry; empty when the section names none.
	Username string
	// Password and Token are the secrets for the registry, from the keys or the files that they name; at most one is set.
	Password, Token Secret
	// Topics are the policies of topics that have their own: "refuse", "warn", "pass" or "off". It is nil when there is none.
	Topics map[string]string
}

// IsSet reports whether there is a folder or a registry.
func (s Schemas) IsSet() bool { return s.Folder != "" || s.Registry != "" }

// Schemas returns what the file says of schemas, for schema/enforce, which makes a messaging.Option of it. This package reads no schema.
func (c *Config) Schemas() Schemas {
	s := c.get().schemas
	s.Topics = maps.Clone(s.Topics)
	return s
}

// schemas reads the section and its secrets, and checks what takes more than one key.
func (b *builder) schemas() Schemas {
	var out Schemas
	topics := b.root.at("topics")
	for _, name := range topics.names() {
		if v, ok := topics.value(name, "schemas"); ok {
			if out.Topics == nil {
				out.Topics = make(map[string]string)
			}
			out.Topics[name] = v
		}
	}
	n := b.root.at("schemas")
	if n == nil {
		return out
	}
	out.Folder, _ = n.value("folder")
	out.Registry, _ = n.value("registry")
	out.Unknown, _ = n.value("unknown")
	out.Framing, _ = n.value("framing")
	out.Timeout, _ = n.span("timeout")
	out.Username, _ = n.value("username")
	out.Password = b.secret("schemas", n, "password")
	out.Token = b.secret("schemas", n, "token")
	b.checkSchemas(n, out)
	return out
}

func (b *builder) checkSchemas(n *node, s Schemas) {
	a, isURL := split(s.Registry)
	switch {
	case s.Folder != "" && s.Registry != "":
		b.problems.add(n.at("registry").from, "schemas.registry", "folder is given too (%v); keep one", n.at("folder").from)
	case s.Registry != "" && (!isURL || a.scheme != "http" && a.scheme != "https"):
		b.problems.add(n.at("registry").from, "schemas.registry", "expected a URL that begins with http:// or https://")
	case s.Framing == "confluent" && s.Registry == "":
		b.problems.add(n.at("framing").from, "schemas.framing", "registry is missing, whose ids the frame holds")
	}
	hasUser := s.Username != "" || s.Password.IsSet()
	switch {
	case s.Token.IsSet() && (hasUser || a.user != "" || a.hasPassword):
		b.problems.add(n.from, "schemas", "a token and a user are given; keep one")
	case hasUser && (a.user != "" || a.hasPassword):
		b.problems.add(n.from, "schemas", "the registry's URL has a user too; keep one")
	}
}
