package messaging

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// SubscribeOption changes one subscription.
type SubscribeOption func(*subscribeOptions)

type subscribeOptions struct {
	group       string
	broadcast   bool
	types       []string
	concurrency int
	window      int
	windowBytes int
	start       driver.Start
	replicas    int
	batch       int // 1 for a handler of single events
	retry       RetryPolicy
	timeout     time.Duration
	quarantine  int
	middleware  []Middleware
	member      string
}

// Defaults of a subscription.
const (
	defaultConcurrency = 16
	defaultBatches     = 4
	defaultWindowBytes = 64 << 20
	defaultTimeout     = time.Minute
	defaultQuarantine  = 50
	// windowFactor keeps workers busy although the keys of waiting events are unevenly spread: with 8 times as many events in hand as
	// workers, hashed keys reach about nine tenths of the ideal.
	windowFactor = 8
)

// Group names the group whose work this subscription shares. Every group gets every event; its members share them.
func Group(name string) SubscribeOption { return func(o *subscribeOptions) { o.group = name } }

// Broadcast subscribes alone, without a group: every event from now on, at most once across a disconnect, quick retries only. What fails its
// last try is told to Hooks.Discard and counted.
func Broadcast() SubscribeOption { return func(o *subscribeOptions) { o.broadcast = true } }

// Types filters by event type: exact types, or patterns in which `*` stands for one word between dots and `#` for any number. The filter
// belongs to the group. Defaults to the types of a Router's bindings, and to all for any other handler.
func Types(patterns ...string) SubscribeOption {
	return func(o *subscribeOptions) { o.types = slices.Clone(patterns) }
}

// Concurrency is how many handlers may run at once. Events with the same key run one at a time, in order, whatever the number. Defaults to
// 16, and to 4 batches for a batch handler.
func Concurrency(n int) SubscribeOption { return func(o *subscribeOptions) { o.concurrency = n } }

// Window bounds what is in hand and unfinished, in events and in bytes. A full window stops intake, never memory. Defaults to 8 times the
// concurrency (at least 128; for a batch handler two batches for each) and 64 MiB; zero keeps a default.
func Window(events, bytes int) SubscribeOption {
	return func(o *subscribeOptions) { o.window, o.windowBytes = events, bytes }
}

// From is where a group begins that does not exist yet; an existing position wins, and a log line says so. Defaults to the oldest event that
// the broker holds for the group. A start that the broker can't give is refused.
func From(s Start) SubscribeOption { return func(o *subscribeOptions) { o.start = driver.Start(s) } }

// OrderAcrossReplicas asks for the order of keys across all members of the group, in n partitions. n is fixed when the group is born; more
// members than n leave some idle.
func OrderAcrossReplicas(n int) SubscribeOption {
	return func(o *subscribeOptions) { o.replicas = n }
}

// Retry sets the failure policy.
func Retry(p RetryPolicy) SubscribeOption { return func(o *subscribeOptions) { o.retry = p } }

// HandlerTimeout is how long one attempt may take before its context ends with ErrHandlerTimeout. Defaults to one minute; negative is
// without limit.
func HandlerTimeout(d time.Duration) SubscribeOption {
	return func(o *subscribeOptions) { o.timeout = d }
}

// Quarantine is how many deliveries by the broker, without one recorded failure, make an event a dead letter with reason "poison". Defaults
// to 50; negative is never. Brokers that do not count deliveries never reach it.
func Quarantine(deliveries int) SubscribeOption {
	return func(o *subscribeOptions) { o.quarantine = deliveries }
}

// Use wraps the handler, the first middleware outermost.
func Use(m ...Middleware) SubscribeOption {
	return func(o *subscribeOptions) { o.middleware = append(o.middleware, m...) }
}

// Member names this member of the group where the broker wants a stable name, for example a pod's. Defaults to a random one.
func Member(name string) SubscribeOption { return func(o *subscribeOptions) { o.member = name } }

// Start is a place in a topic. The zero value is the oldest event that the broker holds for the group.
type Start driver.Start

// Oldest is the oldest event of the topic's history.
func Oldest() Start { return Start{Kind: driver.StartOldest} }

// Newest is from now on.
func Newest() Start { return Start{Kind: driver.StartNewest} }

// At is the first event stored at or after t.
func At(t time.Time) Start { return Start{Kind: driver.StartTime, Time: t} }

// After is the event that follows a Delivery's Position.
func After(position string) Start { return Start{Kind: driver.StartAfter, Position: position} }

func (o *subscribeOptions) setDefaults(service string, h Handler) {
	if o.group == "" && !o.broadcast {
		o.group = service
	}
	if r, ok := h.(interface{ Types() []string }); ok && o.types == nil {
		o.types = r.Types()
	}
	slices.Sort(o.types)
	o.types = slices.Compact(o.types)
	o.setSizes(h)
	if o.windowBytes == 0 {
		o.windowBytes = defaultWindowBytes
	}
	if o.timeout == 0 {
		o.timeout = defaultTimeout
	}
	if o.quarantine == 0 {
		o.quarantine = defaultQuarantine
	}
	given := o.retry
	o.retry = given.withDefaults()
	if o.broadcast && given.Later == nil {
		o.retry.Later = nil
	}
}

// setSizes sets concurrency and window by the kind of handler.
func (o *subscribeOptions) setSizes(h Handler) {
	size := 1
	b, batched := h.(*Batch)
	if batched {
		size = b.options.Size
	}
	if o.concurrency == 0 && batched {
		o.concurrency = defaultBatches
	}
	if o.concurrency == 0 {
		o.concurrency = defaultConcurrency
	}
	if o.window == 0 && batched {
		o.window = 2 * size * o.concurrency // one batch being handled, the next being gathered
	}
	if o.window == 0 {
		o.window = max(windowFactor*o.concurrency, 128)
	}
	o.batch = size
}

func (o *subscribeOptions) validate(hold time.Duration) error {
	var errs []error
	switch {
	case o.broadcast && o.group != "":
		errs = append(errs, fmt.Errorf("%w: a subscription has a group or is a broadcast, not both", errInvalid))
	case !o.broadcast && o.group == "":
		errs = append(errs, fmt.Errorf("%w: say messaging.Group(\"name\") to share the work, or messaging.Broadcast() to get every event", errInvalid))
	case !o.broadcast && !driver.ValidName(o.group):
		errs = append(errs, invalidName("group", o.group))
	}
	if o.broadcast && (o.start != (driver.Start{}) || o.replicas != 0) {
		errs = append(errs, fmt.Errorf("%w: a broadcast begins now and has no order across replicas", errInvalid))
	}
	if o.broadcast && (len(o.retry.Later) > 0 || o.retry.WhenLater != Overtake) {
		errs = append(errs, fmt.Errorf("%w: a broadcast has quick retries only: nothing holds its events for later", errInvalid))
	}
	if o.start.Kind == driver.StartAfter && o.start.Position == "" {
		errs = append(errs, fmt.Errorf("%w: After needs a position; redeliveries from the inbox have none", errInvalid))
	}
	if o.concurrency < 0 || o.window < 0 || o.windowBytes < 0 {
		errs = append(errs, fmt.Errorf("%w: concurrency and window must not be negative", errInvalid))
	}
	if o.batch > 1 && len(o.middleware) > 0 {
		errs = append(errs, fmt.Errorf("%w: middleware is per event, a batch handler takes none", errInvalid))
	}
	if o.window > 0 && o.batch > o.window {
		errs = append(errs, fmt.Errorf("%w: a window of %d events never holds a batch of %d", errInvalid, o.window, o.batch))
	}
	if o.replicas < 0 || o.replicas > driver.Slots {
		errs = append(errs, fmt.Errorf("%w: order across replicas needs 1 to %d partitions", errInvalid, driver.Slots))
	}
	if o.retry.WhenLater > Block {
		errs = append(errs, fmt.Errorf("%w: unknown policy %d for the order while an event waits", errInvalid, o.retry.WhenLater))
	}
	for _, p := range o.types {
		errs = append(errs, validatePattern(p))
	}
	errs = append(errs, o.retry.validate(hold))
	return errors.Join(errs...)
}
