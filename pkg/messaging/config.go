package messaging

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// Config is what a file can hold about a broker's use. The zero value is ready.
type Config struct {
	// Service names the program. It is the source of events that have none, and the group of subscriptions that name none. Defaults to "".
	Service string
	// Form is the wire form that is written: "binary", "json", "cloudevents" or "cloudevents-json". All forms are read. Defaults to
	// "binary".
	Form string
	// Unrouted is what becomes of an event whose topic has no group yet. Defaults to RefuseUnrouted.
	Unrouted Unrouted
	// PublishTimeout bounds a Publish whose context has no deadline. Defaults to 30 s.
	PublishTimeout time.Duration
	// DrainTimeout is how long handlers may go on when the broker is closed. Defaults to 25 s, so that a process with the usual 30 s
	// before it is killed has some left for handlers that don't listen and for the connection.
	DrainTimeout time.Duration
	// Limits bound what is published and what is read.
	Limits envelope.Limits
	// Topics are declared when the broker is opened.
	Topics []Topic
	// MustRunOn names brokers that this program must also run on: what one of them refuses is refused on any. Known names are memory,
	// rabbitmq, kafka and redis.
	MustRunOn []string
}

// Topic is what a topic should be.
type Topic = driver.TopicSpec

// Unrouted is the policy for events whose topic has no group yet.
type Unrouted = driver.Unrouted

// Policies for events whose topic has no group yet. A type that no group's filter wants is not meant: that event is accepted.
const (
	// RefuseUnrouted makes Publish return ErrUnrouted.
	RefuseUnrouted = driver.Refuse
	// KeepUnrouted stores the event for groups to come; brokers that can't are refused at open.
	KeepUnrouted = driver.Keep
	// DropUnrouted throws the event away.
	DropUnrouted = driver.Drop
)

// Defaults of Config.
const (
	defaultPublishTimeout = 30 * time.Second
	defaultDrainTimeout   = 25 * time.Second
)

func (c Config) withDefaults() Config {
	if c.PublishTimeout == 0 {
		c.PublishTimeout = defaultPublishTimeout
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = defaultDrainTimeout
	}
	return c
}

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.Service != "" && !driver.ValidName(c.Service) {
		errs = append(errs, invalidName("service", c.Service))
	}
	if _, ok := forms()[c.Form]; c.Form != "" && !ok {
		errs = append(errs, fmt.Errorf("%w: form %q: write binary, json, cloudevents or cloudevents-json", errInvalid, c.Form))
	}
	if c.PublishTimeout < 0 || c.DrainTimeout < 0 {
		errs = append(errs, fmt.Errorf("%w: publish and drain time-outs must not be negative", errInvalid))
	}
	if c.Unrouted > DropUnrouted {
		errs = append(errs, fmt.Errorf("%w: unknown policy %d for unrouted events", errInvalid, c.Unrouted))
	}
	for _, t := range c.Topics {
		errs = append(errs, validateTopic(t))
	}
	for _, name := range c.MustRunOn {
		if _, ok := profiles[name]; !ok {
			errs = append(errs, fmt.Errorf("%w: must_run_on %q: known are memory, rabbitmq, kafka, redis", errInvalid, name))
		}
	}
	return errors.Join(errs...)
}

// forms are the codecs that Config.Form can name.
func forms() map[string]envelope.Codec {
	known := make(map[string]envelope.Codec)
	for _, c := range []envelope.Codec{envelope.Binary, envelope.JSON, envelope.CloudEvents, envelope.CloudEventsStructured} {
		known[c.Name()] = c
	}
	return known
}

func validateTopic(t Topic) error {
	if !driver.ValidName(t.Name) {
		return invalidName("topic", t.Name)
	}
	for _, g := range t.Groups {
		if !driver.ValidName(g) {
			return invalidName("group", g)
		}
	}
	if t.Partitions < 0 || t.Partitions > driver.Slots {
		return fmt.Errorf("%w: topic %s: partitions must be between 0 and %d", errInvalid, t.Name, driver.Slots)
	}
	if t.MaxAge < 0 || t.MaxBytes < 0 || t.MaxCount < 0 {
		return fmt.Errorf("%w: topic %s: limits must not be negative", errInvalid, t.Name)
	}
	return nil
}

func invalidName(what, name string) error {
	return fmt.Errorf("%w: %s name %q must be words of letters, digits, _ and - joined by single dots, at most %d characters",
		errInvalid, what, name, driver.NameLimit)
}

// Option is for what a file can't hold.
type Option func(*settings)

// settings is all that New is told.
type settings struct {
	config Config
	hooks  Hooks
	logger *slog.Logger
	codec  envelope.Codec

	checker Checker
	clock   func() time.Time
}

// WithConfig sets the configuration. Defaults to the zero Config.
func WithConfig(c Config) Option { return func(s *settings) { s.config = c } }

// WithService sets Config.Service.
func WithService(name string) Option { return func(s *settings) { s.config.Service = name } }

// WithHooks adds hooks. Those added first are called first; the functions that Publish and Handle hooks return are called in the opposite
// order, as deferred ones are.
func WithHooks(h Hooks) Option { return func(s *settings) { s.hooks = s.hooks.and(h) } }

// WithLogger sets the logger for what no call returns: gaps, reconnects, stuck handlers, dead letters. Defaults to none.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// WithCodec sets the codec that is written, in the place of Config.Form.
func WithCodec(c envelope.Codec) Option { return func(s *settings) { s.codec = c } }
