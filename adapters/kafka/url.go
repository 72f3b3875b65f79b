package kafka

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
	Scheme = "kafka"
	// SchemeTLS is for encrypted connections.
	SchemeTLS = "kafkas"
)

// parameters are what a URL may say beside the tls_ ones, by name.
var parameters = map[string]func(*Config, string) error{
	"sasl":            func(c *Config, v string) error { c.SASL = strings.ToLower(v); return nil },
	"replication":     func(c *Config, v string) (err error) { c.Replication, err = strconv.Atoi(v); return err },
	"partitions":      func(c *Config, v string) (err error) { c.Partitions, err = strconv.Atoi(v); return err },
	"max_message":     func(c *Config, v string) (err error) { c.MaxMessage, err = strconv.Atoi(v); return err },
	"compression":     func(c *Config, v string) error { c.Compression = v; return nil },
	"declare":         func(c *Config, v string) error { c.Declare = v; return nil },
	"out_of_range":    func(c *Config, v string) error { c.OutOfRange = v; return nil },
	"session":         func(c *Config, v string) (err error) { c.Session, err = time.ParseDuration(v); return err },
	"heartbeat":       func(c *Config, v string) (err error) { c.Heartbeat, err = time.ParseDuration(v); return err },
	"request_timeout": func(c *Config, v string) (err error) { c.RequestTimeout, err = time.ParseDuration(v); return err },
	"dial_timeout":    func(c *Config, v string) (err error) { c.DialTimeout, err = time.ParseDuration(v); return err },
	"queue":           func(c *Config, v string) (err error) { c.Queue, err = strconv.Atoi(v); return err },
	"queue_bytes":     func(c *Config, v string) (err error) { c.QueueBytes, err = strconv.Atoi(v); return err },
	"client_id":       func(c *Config, v string) error { c.ClientID = v; return nil },
}

// ParseURL reads a Config from a URL of the form that Open takes. Errors name the known parameters and never repeat a user or a password.
func ParseURL(raw string) (Config, error) {
	scheme, rest, _ := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if scheme != Scheme && scheme != SchemeTLS {
		return Config{}, errors.New("kafka: not a URL that begins with kafka:// or kafkas://") // it may begin with a user
	}
	cfg := Config{TLS: scheme == SchemeTLS}
	rest, rawQuery, _ := strings.Cut(rest, "?")
	if strings.Contains(rest, "#") || strings.Contains(rawQuery, "#") {
		return Config{}, errors.New("kafka: a URL has no fragment; write # in a password as %23")
	}
	hosts := rest
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		hosts = rest[at+1:]
		if err := cfg.login(rest[:at]); err != nil {
			return Config{}, err
		}
	}
	if err := cfg.hosts(hosts); err != nil {
		return Config{}, err
	}
	if err := cfg.query(rawQuery); err != nil {
		return Config{}, err
	}
	return cfg.checked()
}

// login reads what stands before the @.
func (c *Config) login(info string) error {
	user, password, _ := strings.Cut(info, ":")
	var err, err2 error
	c.User, err = url.PathUnescape(user)
	c.Password, err2 = url.PathUnescape(password)
	if err != nil || err2 != nil {
		return errors.New("kafka: user or password is not percent-encoded") // the cause would repeat a part of it
	}
	return nil
}

func (c *Config) hosts(list string) error {
	list, path, _ := strings.Cut(list, "/")
	if path != "" {
		return errors.New("kafka: a URL has no path")
	}
	for host := range strings.SplitSeq(list, ",") {
		// url.Parse knows which hosts and ports can be; the list itself is no host.
		u, err := url.Parse("kafka://" + host)
		if err != nil || u.Hostname() == "" {
			return errors.New("kafka: want host or host:port, several separated by commas")
		}
		c.Brokers = append(c.Brokers, u.Host)
	}
	return nil
}

func (c *Config) query(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("kafka: the parameters are not percent-encoded")
	}
	for _, name := range sortedKeys(query) {
		if len(query[name]) != 1 {
			return fmt.Errorf("kafka: parameter %s is given %d times", name, len(query[name]))
		}
		if err := c.parameter(name, query[name][0]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) parameter(name, value string) error {
	if known, err := c.TLSFiles.Set(name, value); known {
		if err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
		if !c.TLS {
			return fmt.Errorf("kafka: parameter %s is for %s://", name, SchemeTLS)
		}
		return nil
	}
	set := parameters[name]
	if set == nil {
		known := slices.Sorted(slices.Values(append(sortedKeys(parameters), tlsfiles.Names()...)))
		return fmt.Errorf("kafka: unknown parameter %q, known are %s", name, strings.Join(known, ", "))
	}
	if err := set(c, value); err != nil {
		return fmt.Errorf("kafka: parameter %s: %w", name, err)
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
