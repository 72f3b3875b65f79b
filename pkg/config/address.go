package config

import (
	"net/url"
	"slices"
	"strings"
)

// mask is shown in the place of a secret.
const mask = "****"

// address is a broker's URL in its parts. It is not split by net/url, which does not take several hosts with ports.
type address struct {
	scheme      string
	user        string // as it is escaped in the URL
	password    string
	hasPassword bool
	host        string // and path
	query       string
	fragment    string // with its #
}

// split takes a URL apart; false when it has no scheme.
func split(raw string) (address, bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(raw), "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, "@:/ ") {
		return address{}, false
	}
	a := address{scheme: strings.ToLower(scheme)}
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest, a.fragment = rest[:i], rest[i:]
	}
	rest, a.query, _ = strings.Cut(rest, "?")
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	a.host = authority + path
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		a.user, a.password, a.hasPassword = strings.Cut(authority[:i], ":")
		a.host = authority[i+1:] + path
	}
	return a, true
}

// section returns the section of the file that belongs to the URL's scheme, or "". What follows a + in a scheme is a variety of it.
func (a address) section() string {
	scheme, _, _ := strings.Cut(a.scheme, "+")
	switch scheme {
	case "memory":
		return "memory"
	case "amqp", "amqps":
		return "rabbitmq"
	case "kafka", "kafkas":
		return "kafka"
	case "redis", "rediss":
		return "redis"
	}
	return ""
}

// sentinelPassword is the one secret of a section that is a parameter of the URL; secrets are all of them.
const sentinelPassword = "sentinel_password"

var secrets = []string{"password", sentinelPassword}

// parameters are what the section's keys are called in the URL's query: the key, with one underscore between levels. Secrets are not among
// them.
func parameters(section *node) map[string]string {
	out := map[string]string{}
	if section == nil {
		return out
	}
	for name, n := range section.children {
		switch {
		case !n.key.isLeaf():
			for below, value := range parameters(n) {
				out[name+"_"+below] = value
			}
		case n.isBad || name == "username" || slices.Contains(secrets, strings.TrimSuffix(name, "_file")):
		default:
			out[name] = n.items[0]
		}
	}
	return out
}

// with returns the URL with what the section adds to it.
func (a address) with(section *node, c Connection) string {
	user := a.user
	if c.Username != "" && user == "" {
		user = url.User(c.Username).String()
	}
	password, hasPassword := a.password, a.hasPassword
	if c.Password.IsSet() && !hasPassword {
		password, hasPassword = strings.TrimPrefix(url.UserPassword("", c.Password.Reveal()).String(), ":"), true
	}
	query := url.Values{}
	for name, value := range parameters(section) {
		query.Set(name, value)
	}
	if c.SentinelPassword.IsSet() {
		query.Set(sentinelPassword, c.SentinelPassword.Reveal())
	}
	out := a.scheme + "://" + user
	if hasPassword {
		out += ":" + password
	}
	if user != "" || hasPassword {
		out += "@"
	}
	out += a.host
	if all := strings.Trim(a.query+"&"+query.Encode(), "&"); all != "" {
		out += "?" + all
	}
	return out + a.fragment
}

// has reports whether the URL's query has a parameter.
func (a address) has(parameter string) bool {
	for part := range strings.SplitSeq(a.query, "&") {
		if name, _, _ := strings.Cut(part, "="); name == parameter {
			return true
		}
	}
	return false
}

// redact returns a URL without what may be secret: the password, even one whose @ or / should have been escaped, the values of parameters
// that sound like one, what follows a #, which no broker has a use for, and all of what is no URL.
func redact(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || strings.ContainsAny(scheme, "@: ") {
		return mask
	}
	out := scheme + "://"
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, _, hasPassword := strings.Cut(rest[:i], ":")
		if hasPassword {
			user += ":" + mask
		}
		out, rest = out+user+"@", rest[i+1:]
	}
	tail := ""
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest, tail = rest[:i], "#"+mask
	}
	host, query, ok := strings.Cut(rest, "?")
	if !ok {
		return out + host + tail
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, _, ok := strings.Cut(part, "="); ok && soundsSecret(name) {
			parts[i] = name + "=" + mask
		}
	}
	return out + host + "?" + strings.Join(parts, "&") + tail
}

func soundsSecret(parameter string) bool {
	parameter = strings.ToLower(parameter)
	return slices.ContainsFunc([]string{"pass", "pw", "secret", "token", "key", "cred", "auth"}, func(word string) bool {
		return strings.Contains(parameter, word)
	})
}
