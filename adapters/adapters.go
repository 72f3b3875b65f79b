// Package adapters opens any of Herald's brokers by its URL, so that which one carries the events is a line of configuration.
package adapters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/messaging"
)

// ErrScheme marks a URL that no adapter takes, or that is missing.
var ErrScheme = errors.New("no adapter for this URL")

// adapter is one row of the list: nothing registers itself.
type adapter struct {
	schemes []string
	example string // what to write
	open    func(ctx context.Context, url string, opts ...messaging.Option) (*messaging.Broker, error)
}

func list() []adapter {
	return []adapter{
		{[]string{memory.Scheme}, "memory://", memory.Open},
		{[]string{rabbitmq.Scheme, rabbitmq.SchemeTLS}, "amqp://host:5672/", rabbitmq.Open},
		{[]string{kafka.Scheme, kafka.SchemeTLS}, "kafka://host:9092", kafka.Open},
		{
			[]string{redis.Scheme, redis.SchemeTLS, redis.SchemePubSub, redis.SchemePubSubTLS}, "redis://host:6379", redis.Open,
		},
	}
}

// Open opens the broker that the URL's scheme names. ctx bounds opening only. A URL that is empty or has another scheme is an error that
// wraps ErrScheme and says what can be written; no error of Open holds a user or a password. What else a URL may say, the adapter's own
// Open tells.
func Open(ctx context.Context, url string, opts ...messaging.Option) (*messaging.Broker, error) {
	known := list()
	examples := make([]string, 0, len(known))
	for _, a := range known {
		examples = append(examples, a.example)
	}
	want := strings.Join(examples, " or ")
	if strings.TrimSpace(url) == "" {
		return nil, fmt.Errorf("open: %w: the broker's URL is empty, write %s", ErrScheme, want)
	}
	scheme, ok := schemeOf(url)
	if !ok {
		// What does not begin with a scheme may begin with a user: it is not repeated.
		return nil, fmt.Errorf("open: %w: it begins with no scheme, write %s", ErrScheme, want)
	}
	for _, a := range known {
		if slices.Contains(a.schemes, scheme) {
			return a.open(ctx, url, opts...)
		}
	}
	return nil, fmt.Errorf("open: %w: the scheme is %q, write %s", ErrScheme, scheme, want)
}

// schemeOf returns what stands before "://", in lower case, if it is a scheme by RFC 3986, section 3.1.
func schemeOf(url string) (string, bool) {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok || scheme == "" {
		return "", false
	}
	scheme = strings.ToLower(scheme)
	for i := range len(scheme) {
		c := scheme[i]
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return "", false
		}
	}
	return scheme, true
}
