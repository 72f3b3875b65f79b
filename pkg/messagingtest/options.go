package messagingtest

import (
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/messaging"
)

// Option changes a Broker.
type Option func(*options)

type options struct {
	messaging []messaging.Option
	hooks     messaging.Hooks
	memory    memory.Config
	server    *memory.Server
	seed      *uint64
	within    time.Duration
}

// With passes options on. Without a messaging.WithConfig among them, events for topics without a group are dropped at the broker, and
// recorded all the same; with one, its Unrouted holds, which is to refuse them by default. A messaging.WithHooks among them has no effect:
// say Hooks.
func With(opts ...messaging.Option) Option {
	return func(o *options) { o.messaging = append(o.messaging, opts...) }
}

// Hooks sets the hooks of the program under test. They are called before the test's own. Given twice, the last one holds.
func Hooks(h messaging.Hooks) Option { return func(o *options) { o.hooks = h } }

// Memory describes the server, for example Config{Like: memory.LikeRabbitMQ} to refuse what RabbitMQ refuses. Defaults to the zero Config.
func Memory(c memory.Config) Option { return func(o *options) { o.memory = c } }

// On uses a server that other brokers of the test use too, or that the test disconnects, instead of one of its own. Memory and Faults then
// belong to memory.NewServer and are refused here.
func On(s *memory.Server) Option { return func(o *options) { o.server = s } }

// Faults injects faults, chosen by the seed: events that come twice, sources that are cut, late deliveries, and publishing that is refused or
// unconfirmed. They take the place of Memory's Faults. MustPublish tries again what they refuse; the handler under test must do so itself, or
// fail and be tried again. A test that fails logs the seed.
func Faults(seed uint64) Option { return func(o *options) { o.seed = &seed } }

// Within is how long Idle waits before it fails the test. Defaults to 24 hours of virtual time in a bubble of testing/synctest, and to five
// seconds outside.
func Within(d time.Duration) Option { return func(o *options) { o.within = d } }

// faults are frequent, since tests publish few events.
func faults(seed uint64) memory.Faults {
	return memory.Faults{Seed: seed, Refuse: 0.1, Unconfirmed: 0.1, Duplicate: 0.2, Cut: 0.1, Delay: 50 * time.Millisecond}
}

// ShortRetry is the default policy with delays of milliseconds, for subscriptions of tests outside a bubble: as many attempts, quick and
// later, in a tenth of a second. The caller owns it.
func ShortRetry() messaging.RetryPolicy {
	return messaging.RetryPolicy{
		Quick: []time.Duration{0, time.Millisecond, 5 * time.Millisecond},
		Later: []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond},
	}
}
