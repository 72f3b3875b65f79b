package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// String returns the effective configuration as YAML: every key that is given or has a default, in the order of the documentation, names
// sorted, each value with where it comes from as a comment (default, code, file and line with the ${NAME} in it, environment and the
// variable, or secret file). Passwords are "****", also those in the broker's URL. Sections of brokers are printed when a key of them is
// given. The same input gives the same text.
func (c *Config) String() string {
	var b strings.Builder
	for _, k := range file.keys {
		effective(&b, k.name, k, c.get().root.at(k.name), c.get().root, 0)
	}
	return b.String()
}

// GoString returns String's text, so that %#v shows no secret either.
func (c *Config) GoString() string { return "config.Config{\n" + c.String() + "}" }

func effective(b *strings.Builder, name string, k *key, n, siblings *node, depth int) {
	indent := strings.Repeat("  ", depth)
	if k.isLeaf() {
		if line := effectiveLeaf(k, n, siblings); line != "" {
			b.WriteString(indent + plain(name) + ": " + line + "\n")
		}
		return
	}
	var below strings.Builder
	for _, c := range k.keys {
		effective(&below, c.name, c, n.at(c.name), n, depth+1)
	}
	if k.kind == named {
		for _, child := range n.names() {
			effective(&below, child, k.each, n.at(child), n, depth+1)
		}
	}
	isUnused := n == nil && slices.Contains(brokers, k.name)
	if isUnused || below.Len() == 0 {
		return
	}
	b.WriteString(indent + plain(name) + ":\n" + below.String())
}

// effectiveLeaf returns a value and its comment; "" when there is neither a value nor a default.
func effectiveLeaf(k *key, n, siblings *node) string {
	if n == nil {
		value := k.fallback
		if k.derived != nil && siblings != nil {
			if d := k.derived(siblings); d != "" {
				value = d
			}
		}
		if value == "" {
			return ""
		}
		return value + " # default"
	}
	values := make([]string, 0, len(n.items))
	for _, s := range n.items {
		values = append(values, scalar(k, s))
	}
	value := strings.Join(values, ", ")
	if k.kind == list {
		value = "[" + value + "]"
	}
	return value + " # " + n.from.String()
}

// scalar writes one value, without what is secret in it.
func scalar(k *key, s string) string {
	if k.item != nil {
		k = k.item
	}
	switch {
	case k.secret:
		return strconv.Quote(mask)
	case k.url:
		return plain(redact(s))
	case k.kind == whole || k.kind == flag:
		return s
	}
	return plain(s)
}

// simple are texts that are the same in YAML without quotes, in lists too, unless they are one of the words below.
var (
	simple = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@+=?&%:*-]*$|^[0-9.]+(h|m|s|ms|us|µs|ns)([0-9.hmsuµn]*)$`)
	taken  = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
)

func plain(s string) string {
	if simple.MatchString(s) && !strings.HasSuffix(s, ":") && !slices.Contains(taken, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}
