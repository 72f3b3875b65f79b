package rabbitmq

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/adapters/internal/tlsfiles"
)

// Schemes of this adapter's URLs.
const (
	// Scheme is for plain connections.
	Scheme = "amqp"
	// SchemeTLS is for encrypted ones.
	SchemeTLS = "amqps"
)

// parameters are what a URL may say beside the tls_ ones, by name.
var parameters = map[string]func(*Config, string) error{
	"heartbeat":           duration(func(c *Config) *time.Duration { return &c.Heartbeat }),
	"dial_timeout":        duration(func(c *Config) *time.Duration { return &c.DialTimeout }),
	"history":             duration(func(c *Config) *time.Duration { return &c.History }),
	"hold_limit":          duration(func(c *Config) *time.Duration { return &c.HoldLimit }),
	"grace":               duration(func(c *Config) *time.Duration { return &c.Grace }),
	"prefetch":            number(func(c *Config) *int { return &c.Prefetch }),
	"message_estimate":    number(func(c *Config) *int { return &c.MessageEstimate }),
	"max_message":         number(func(c *Config) *int { return &c.MaxMessage }),
	"pipeline":            number(func(c *Config) *int { return &c.Pipeline }),
	"publish_queue":       number(func(c *Config) *int { return &c.PublishQueue }),
	"publish_queue_bytes": number(func(c *Config) *int { return &c.PublishQueueBytes }),
	"queue":               func(c *Config, v string) error { c.Queue = v; return nil },
	"exchange":            func(c *Config, v string) error { c.Exchange = v; return nil },
	"declare":             func(c *Config, v string) error { c.Declare = v; return nil },
	"external":            func(c *Config, v string) (err error) { c.External, err = strconv.ParseBool(v); return err },
}

// duration takes Go's form, or whole seconds as other AMQP URLs have them.
func duration(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		if seconds, err := strconv.Atoi(v); err == nil {
			*field(c) = time.Duration(seconds) * time.Second
			return nil
		}
		d, err := time.ParseDuration(v)
		*field(c) = d
		return err
	}
}

func number(field func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		*field(c), err = strconv.Atoi(v)
		return err
	}
}

var errURL = errors.New("rabbitmq: not a URL of the form amqp://user:password@host:5672,host2:5672/vhost?parameter=value; " +
	"what is reserved in URLs, such as / ? # @ in a password, is percent-encoded")

// ParseURL reads a Config from a URL of the form that Open takes. Errors never repeat a user, a password or a host.
func ParseURL(raw string) (Config, error) {
	u, err := split(raw)
	if err != nil {
		return Config{}, err
	}
	cfg := Config{UseTLS: u.scheme == SchemeTLS}
	if cfg.User, cfg.Password, err = userinfo(u.user); err != nil {
		return Config{}, err
	}
	if cfg.VHost, err = url.PathUnescape(u.path); err != nil {
		return Config{}, errURL
	}
	if u.hosts != "" {
		cfg.Addresses = strings.Split(u.hosts, ",")
	}
	query, err := url.ParseQuery(u.query)
	if err != nil {
		return Config{}, errURL
	}
	for _, name := range sortedKeys(query) {
		if err := cfg.set(name, query[name]); err != nil {
			return Config{}, err
		}
	}
	return cfg.checked()
}

func (c *Config) set(name string, values []string) error {
	if len(values) != 1 {
		return fmt.Errorf("rabbitmq: parameter %s is given %d times", name, len(values))
	}
	if known, err := c.TLSFiles.Set(name, values[0]); known {
		return err
	}
	set := parameters[name]
	if set == nil {
		return fmt.Errorf("rabbitmq: unknown parameter %q, known are %s", name,
			strings.Join(append(sortedKeys(parameters), tlsfiles.Names()...), ", "))
	}
	if err := set(c, values[0]); err != nil {
		return fmt.Errorf("rabbitmq: parameter %s is %q: %w", name, values[0], err)
	}
	return nil
}

// parts are a URL taken apart. Package url is not asked: it refuses several hosts with ports, and repeats passwords in its errors.
type parts struct{ scheme, user, hosts, path, query string }

func split(raw string) (parts, error) {
	var p parts
	scheme, rest, ok := strings.Cut(raw, "://")
	p.scheme = strings.ToLower(scheme)
	if !ok || p.scheme != Scheme && p.scheme != SchemeTLS || strings.ContainsAny(rest, "# \t\r\n") {
		return p, errURL
	}
	rest, p.query, _ = strings.Cut(rest, "?")
	rest, p.path, _ = strings.Cut(rest, "/")
	if strings.Contains(p.path, "/") { // a virtual host's own slashes are written %2f
		return p, errURL
	}
	if strings.Contains(p.path+p.query, "@") { // the rest of a password with a bare / or ?, which must be neither dialled nor repeated
		return p, errURL
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		p.user, rest = rest[:at], rest[at+1:]
	}
	p.hosts = rest
	return p, nil
}

func userinfo(raw string) (user, password string, err error) {
	user, password, _ = strings.Cut(raw, ":")
	if user, err = url.PathUnescape(user); err != nil {
		return "", "", errURL
	}
	if password, err = url.PathUnescape(password); err != nil {
		return "", "", errURL
	}
	return user, password, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
