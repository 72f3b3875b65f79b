package redis

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
	// Scheme is Redis Streams.
	Scheme = "redis"
	// SchemeTLS is Redis Streams over TLS.
	SchemeTLS = "rediss"
	// SchemePubSub is Redis Pub/Sub.
	SchemePubSub = "redis+pubsub"
	// SchemePubSubTLS is Redis Pub/Sub over TLS.
	SchemePubSubTLS = "rediss+pubsub"
)

// parameters are what a URL may say beside the tls_ ones, by name.
var parameters = map[string]func(*Config, string) error{
	"cluster":           func(c *Config, v string) (err error) { c.Cluster, err = strconv.ParseBool(v); return err },
	"master":            func(c *Config, v string) error { c.Master = v; return nil },
	"sentinel_user":     func(c *Config, v string) error { c.SentinelUsername = v; return nil },
	"sentinel_password": func(c *Config, v string) error { c.SentinelPassword = v; return nil },
	"durability":        func(c *Config, v string) error { c.Durability = v; return nil },
	"session":           func(c *Config, v string) error { return parseDuration(&c.Session, v) },
	"history":           parseHistory,
	"allow_eviction":    func(c *Config, v string) (err error) { c.AllowEviction, err = strconv.ParseBool(v); return err },
	"overflow":          func(c *Config, v string) error { c.Overflow = v; return nil },
	"channels":          func(c *Config, v string) error { c.Channels = v; return nil },
	"buffer":            func(c *Config, v string) (err error) { c.Buffer, err = strconv.Atoi(v); return err },
	"timeout":           func(c *Config, v string) error { return parseDuration(&c.Timeout, v) },
	"dial_timeout":      func(c *Config, v string) error { return parseDuration(&c.DialTimeout, v) },
	"queue":             func(c *Config, v string) (err error) { c.Queue, err = strconv.Atoi(v); return err },
	"queue_bytes":       func(c *Config, v string) (err error) { c.QueueBytes, err = strconv.Atoi(v); return err },
}

var errBadValue = errors.New("not a valid value") // the cause could repeat a secret that stands in the wrong place

func parseDuration(to *time.Duration, v string) (err error) {
	*to, err = time.ParseDuration(v)
	return err
}

// parseHistory takes a duration, or "forever".
func parseHistory(c *Config, v string) error {
	if v == "forever" {
		c.History = -1
		return nil
	}
	return parseDuration(&c.History, v)
}

// ParseURL reads a Config from a URL of the form that Open takes. Errors name the known parameters and never repeat a host, a user or a
// password.
func ParseURL(raw string) (Config, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	var cfg Config
	secure := false
	switch strings.ToLower(scheme) {
	case Scheme:
	case SchemeTLS:
		secure = true
	case SchemePubSub:
		cfg.PubSub = true
	case SchemePubSubTLS:
		cfg.PubSub, secure = true, true
	default:
		ok = false
	}
	if !ok {
		return Config{}, fmt.Errorf("redis: not a URL that begins with %s://, %s://, %s:// or %s://", Scheme, SchemeTLS, SchemePubSub, SchemePubSubTLS)
	}
	query, err := cfg.parsePlace(rest)
	if err != nil {
		return Config{}, err
	}
	if err := cfg.parseQuery(query, secure); err != nil {
		return Config{}, err
	}
	return cfg.checked()
}

// parsePlace reads user, hosts and database, and returns the query. net/url takes no list of hosts with ports, so the parts are cut here.
func (c *Config) parsePlace(rest string) (query string, err error) {
	rest, query, _ = strings.Cut(rest, "?")
	place, db, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(place, '@'); at >= 0 {
		user, password, _ := strings.Cut(place[:at], ":")
		var errs [2]error
		c.Username, errs[0] = url.PathUnescape(user)
		c.Password, errs[1] = url.PathUnescape(password)
		if errors.Join(errs[:]...) != nil {
			return "", errors.New("redis: the user or the password is not percent-encoded as a URL wants it")
		}
		place = place[at+1:]
	}
	for host := range strings.SplitSeq(place, ",") {
		if host = strings.TrimSpace(host); host != "" {
			c.Addresses = append(c.Addresses, host)
		}
	}
	if db = strings.Trim(db, "/"); db != "" {
		if c.DB, err = strconv.Atoi(db); err != nil {
			return "", errors.New("redis: the path of the URL is the number of a database")
		}
	}
	return query, nil
}

func (c *Config) parseQuery(raw string, secure bool) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("redis: the parameters of the URL are not percent-encoded as a URL wants it")
	}
	var files tlsfiles.Files
	for _, name := range sortedKeys(query) {
		if len(query[name]) != 1 {
			return fmt.Errorf("redis: parameter %s is given %d times", name, len(query[name]))
		}
		known, err := files.Set(name, query[name][0])
		if set := parameters[name]; !known && set != nil {
			if known = true; set(c, query[name][0]) != nil {
				err = errBadValue
			}
		}
		if !known {
			return fmt.Errorf("redis: unknown parameter %q, known are %s, tls_ca_file, tls_cert_file, tls_key_file, tls_insecure", name,
				strings.Join(sortedKeys(parameters), ", "))
		}
		if err != nil {
			return fmt.Errorf("redis: parameter %s: %w", name, err)
		}
	}
	if !secure {
		if files != (tlsfiles.Files{}) {
			return fmt.Errorf("redis: tls_ parameters need %s:// or %s://", SchemeTLS, SchemePubSubTLS)
		}
		return nil
	}
	if c.TLS, err = files.Config(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
