package memory

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scheme is the scheme of this adapter's URLs.
const Scheme = "memory"

// parameters are what a URL may say, by name.
var parameters = map[string]func(*Config, string) error{
	"like":        func(c *Config, v string) error { c.Like = v; return nil },
	"max_count":   func(c *Config, v string) error { return parseInt(&c.MaxCount, v) },
	"max_bytes":   func(c *Config, v string) error { return parseInt(&c.MaxBytes, v) },
	"max_age":     func(c *Config, v string) (err error) { c.MaxAge, err = time.ParseDuration(v); return err },
	"max_message": func(c *Config, v string) (err error) { c.MaxMessage, err = strconv.Atoi(v); return err },
}

func parseInt(to *int64, v string) (err error) {
	*to, err = strconv.ParseInt(v, 10, 64)
	return err
}

// ParseURL reads a Config from a URL of the form that Open takes. Errors name the known parameters and never repeat a host or a user.
func ParseURL(raw string) (Config, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != Scheme {
		return Config{}, errors.New("memory: not a URL that begins with memory://") // the cause could repeat a password
	}
	if u.Host != "" || u.User != nil || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return Config{}, errors.New("memory: a URL has no host, user or path: each Open has a server of its own that is not shared by name; " +
			"services of one process share one with NewServer and OpenServer")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, fmt.Errorf("memory: parameters: %w", err)
	}
	var cfg Config
	for _, name := range sortedKeys(query) {
		set := parameters[name]
		if set == nil {
			return Config{}, fmt.Errorf("memory: unknown parameter %q, known are %s", name, strings.Join(sortedKeys(parameters), ", "))
		}
		if len(query[name]) != 1 {
			return Config{}, fmt.Errorf("memory: parameter %s is given %d times", name, len(query[name]))
		}
		if err := set(&cfg, query[name][0]); err != nil {
			return Config{}, fmt.Errorf("memory: parameter %s: %w", name, err)
		}
	}
	return cfg.checked()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
