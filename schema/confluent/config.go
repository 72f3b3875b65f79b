package confluent

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/herald-go/herald/schema"
)

// Config is how a registry is reached. Only URL is required.
type Config struct {
	// URL is where the registry is, http or https, with a path if it stands below one. A user and password before the host are taken for
	// Username and Password.
	URL string
	// Username and Password authenticate by HTTP Basic, Token by Bearer; one of the two ways, or neither.
	Username, Password, Token string
	// HTTP sends the requests. Defaults to a client of the Client's own with http.DefaultTransport. Its CheckRedirect and Timeout are not
	// used: a redirect to another host is refused.
	HTTP *http.Client
	// Timeout bounds one question with all its tries and all it refers to. Defaults to 10 s.
	Timeout time.Duration
	// Retries is how often a request is tried again that the registry did not answer, or answered with 429 or 5xx. Defaults to 3; negative
	// is never.
	Retries int
	// UnknownFor is how long the answer that there is no such schema is believed. Defaults to 10 s; negative is not at all.
	UnknownFor time.Duration
	// Cache is how many schemas are kept. Defaults to schema.DefaultCache.
	Cache int
	// Subject names the subject of a type and version; a registry that holds topics' values might call it "orders-value". Defaults to the
	// type. With another, List returns subjects for types.
	Subject func(schema.Ref) string
	// Indexes returns where a Protobuf schema's message stands in its file; that is schema/protobuf's Indexes. Without it the frame names the
	// first message, and schemas that name another are refused.
	Indexes func(schema.Schema) ([]int, error)
}

// Defaults of Config.
const (
	defaultTimeout    = 10 * time.Second
	defaultRetries    = 3
	defaultUnknownFor = 10 * time.Second
)

// withDefaults checks c and fills it in.
func (c Config) withDefaults() (Config, *url.URL, error) {
	base, err := url.Parse(c.URL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		// What can't be parsed may hold a password anywhere: it is not repeated.
		return c, nil, errors.New("registry: expected an http or https URL")
	case base.RawQuery != "" || base.Fragment != "":
		return c, nil, errors.New("registry: expected a URL without a query")
	}
	if base.User != nil {
		if c.Username != "" || c.Password != "" {
			return c, nil, errors.New("registry: the URL has a user, and so has the configuration; keep one")
		}
		c.Username = base.User.Username()
		c.Password, _ = base.User.Password()
		base.User = nil
	}
	if c.Token != "" && (c.Username != "" || c.Password != "") {
		return c, nil, errors.New("registry: a token and a user are given; keep one")
	}
	if c.Timeout < 0 {
		return c, nil, fmt.Errorf("registry: expected a time-out of more than 0, got %v", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Retries == 0 {
		c.Retries = defaultRetries
	}
	if c.UnknownFor == 0 {
		c.UnknownFor = defaultUnknownFor
	}
	if c.Cache <= 0 {
		c.Cache = schema.DefaultCache
	}
	if c.Subject == nil {
		c.Subject = func(r schema.Ref) string { return r.Type }
	}
	return c, base, nil
}
