package brokers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
	"github.com/herald-go/herald/integration/internal/supervise"
)

// RequireVariable names the brokers, separated by commas, whose absence is a failure.
const RequireVariable = "HERALD_TEST_REQUIRE"

// startTime bounds how long a broker may take to be there, the fetching of images and packages included.
const startTime = 8 * time.Minute

// Option changes the broker that Own starts.
type Option func(*source.Order)

// Setting sets a line of rabbitmq.conf, of Kafka's server.properties, or of redis.conf, without quotes. In the value {files} stands for the
// folder of the files that File gives, {port} for the port that clients dial, and {port:NAME} for the one that Port asks for.
func Setting(key, value string) Option {
	return func(o *source.Order) { o.Settings = append(o.Settings, source.Setting{Key: key, Value: value}) }
}

// File puts a file where the broker can read it, before it starts.
func File(name string, content []byte) Option {
	return func(o *source.Order) {
		if o.Files == nil {
			o.Files = map[string][]byte{}
		}
		o.Files[name] = content
	}
}

// Port asks for a further port on loopback, for a listener that a Setting makes. Broker.Port returns its address.
func Port(name string) Option { return func(o *source.Order) { o.Ports = append(o.Ports, name) } }

// From asks for one source, "docker" or "local", where otherwise the first that works serves.
func From(origin string) Option { return func(o *source.Order) { o.Origin = origin } }

// Need returns the run's broker of a kind, which the tests of all packages share: choose names that nobody else has, and do not hurt it. It
// blocks until the broker serves. Where it can't be had the test is skipped with the reason, or fails if HERALD_TEST_REQUIRE names the kind.
func Need(t testing.TB, kind Kind) *Broker {
	t.Helper()
	return order(t, supervise.Request{Verb: supervise.VerbNeed, Order: source.Order{Kind: string(kind), Given: takesGiven.Load()}})
}

// takesGiven is set by TakeGiven.
var takesGiven atomic.Bool

// TakeGiven lets Need return brokers that the user gives by URL, for the rest of this process. It is for a TestMain of tests that only talk to
// brokers, under names of the drivers' contract: those are removed at the end. All other tests get brokers of the run's own.
func TakeGiven() { takesGiven.Store(true) }

// Own returns a broker that this test has for itself, and that ends with it. A broker given by URL is never hurt, so Own starts another one.
// Else it is as Need.
func Own(t testing.TB, kind Kind, opts ...Option) *Broker {
	t.Helper()
	r := supervise.Request{Verb: supervise.VerbOwn, Order: source.Order{Kind: string(kind)}}
	for _, opt := range opts {
		opt(&r.Order)
	}
	return order(t, r)
}

func order(t testing.TB, r supervise.Request) *Broker {
	t.Helper()
	kind := Kind(r.Order.Kind)
	report(t, "broker", kind.Adapter())
	began := time.Now()
	b, notRun, err := ask(t.Context(), r)
	if err != nil {
		t.Fatalf("brokers: %v", err)
	}
	if notRun != "" {
		absent(t, kind, notRun, excluded(r.Order.Origin))
	}
	if b.own {
		t.Cleanup(func() { b.end(t) })
	}
	report(t, "version", b.Version())
	report(t, "origin", b.Origin())
	t.Logf("%s %s (%s) at %s after %.1f s", kind, b.Version(), b.Origin(), b.Addr(), time.Since(began).Seconds())
	return b
}

// ask sends an order to the supervisor. notRun says why there is no such broker here.
func ask(ctx context.Context, r supervise.Request) (b *Broker, notRun string, err error) {
	socket, holder, err := supervisor()
	if err != nil {
		return nil, "", err
	}
	r.Holder = holder
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	a, err := supervise.Ask(ctx, socket, r)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", r.Order.Kind, err)
	}
	return &Broker{socket: socket, given: a.Broker, own: r.Verb == supervise.VerbOwn}, a.NotRun, nil
}

// ErrAbsent marks a broker that can't be had on this machine; the error says why.
var ErrAbsent = errors.New("no such broker here")

// Take is Own for programs that are no test: the broker is the caller's until End, or the end of this process. It does not look at
// HERALD_TEST_REQUIRE. Where the broker can't be had the error wraps ErrAbsent.
func Take(ctx context.Context, kind Kind, opts ...Option) (*Broker, error) {
	r := supervise.Request{Verb: supervise.VerbOwn, Order: source.Order{Kind: string(kind)}}
	for _, opt := range opts {
		opt(&r.Order)
	}
	b, notRun, err := ask(ctx, r)
	if err == nil && notRun != "" {
		return nil, fmt.Errorf("%s: %w: %s", kind, ErrAbsent, notRun)
	}
	return b, err
}

// End ends a broker from Take, and removes its data.
func (b *Broker) End(ctx context.Context) error {
	_, err := b.ask(ctx, supervise.Request{Verb: supervise.VerbEnd})
	return err
}

// sourceVariable names the one source that brokers may come from.
const sourceVariable = "HERALD_TEST_SOURCE"

// excluded reports whether the user has excluded the source that a test insists on: then its broker is not missed.
func excluded(origin string) bool {
	only := os.Getenv(sourceVariable)
	return origin != "" && only != "" && origin != only
}

// absent ends a test whose broker can't be had.
func absent(t testing.TB, kind Kind, why string, expected bool) {
	t.Helper()
	report(t, "why", strings.ReplaceAll(why, "\n", "; "))
	required := strings.Split(os.Getenv(RequireVariable), ",")
	if !expected && slices.ContainsFunc(required, func(name string) bool { return strings.TrimSpace(name) == string(kind) }) {
		t.Fatalf("%s is required by %s and can't be had: %s", kind, RequireVariable, why)
	}
	t.Skipf("no %s: %s", kind, why)
}

// report tells what collects the results of a run: a test's attributes hold for those below it.
func report(t testing.TB, key, value string) {
	t.Helper()
	if value != "" {
		t.Attr(key, value)
	}
}

func (b *Broker) end(t testing.TB) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if t.Failed() {
		t.Logf("the end of what %s wrote:\n%s", b.given.Kind, b.Logs(ctx))
	}
	if _, err := b.ask(ctx, supervise.Request{Verb: supervise.VerbEnd}); err != nil {
		t.Errorf("brokers: %v", err)
	}
}
