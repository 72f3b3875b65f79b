package redis

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

// commandPool is how many connections carry what does not block: scripts, settlements, questions.
const commandPool = 2

// Driver is a set of connections to one Redis. It implements driver.Driver and every side interface, and is safe for concurrent use.
//
// It holds one connection that watches, one that publishes (in a cluster up to four to each node), one per subscription that waits for
// messages (in a cluster, one for each partition), and two for all else; with sentinels two more to one of these.
type Driver struct {
	cfg      Config
	caps     driver.Capabilities
	link     *link
	commands *client
	pub      *publisher
	clock    clock
	ctx      context.Context //nolint:containedctx // the driver's own life: ends with Close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu     sync.Mutex
	subs   map[member]struct{}
	closed bool
	done   chan struct{} // closed when Close has finished
}

// member is a subscription of either kind.
type member = driver.Subscription

var (
	_ driver.Driver   = (*Driver)(nil)
	_ driver.Notifier = (*Driver)(nil)
	_ driver.History  = (*Driver)(nil)
	_ driver.Lagger   = (*Driver)(nil)
	_ driver.Topology = (*Driver)(nil)
	_ driver.Groups   = (*Driver)(nil)
)

// New connects to a Redis. It waits for a server that is away until ctx ends, or for Config.DialTimeout if ctx has no deadline. A server that
// refuses for good (wrong password, a missing command, an eviction policy that may delete streams) is an error at once. No error holds a
// password.
func New(ctx context.Context, cfg Config) (*Driver, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	if cfg.sentinels = nil; cfg.Master != "" { // a Config may be that of another driver
		cfg.sentinels = newSentinels(cfg)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.DialTimeout)
		defer cancel()
	}
	d := &Driver{cfg: cfg, link: newLink(cfg), commands: newClient(cfg, commandPool, cfg.Timeout), subs: make(map[member]struct{}), done: make(chan struct{})}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	if d.caps, err = d.probe(ctx); err != nil {
		d.cancel()
		d.commands.close()
		d.link.client.close()
		return nil, fail("open", "", err)
	}
	d.commands.warm(ctx, commandPool)
	d.pub = newPublisher(d)
	d.link.watcher, d.link.gate = d.changed, d.listening
	d.link.set(true, nil)
	if cfg.sentinels != nil {
		d.running.Go(func() { cfg.sentinels.follow(d.ctx) })
	}
	d.running.Go(func() { d.link.run(d.ctx) })
	d.running.Go(func() { d.pub.run(d.ctx) })
	return d, nil
}

// Publisher implements driver.Driver.
func (d *Driver) Publisher() driver.Publisher { return d.pub }

// Notify implements driver.Notifier.
func (d *Driver) Notify(f func(driver.Notice)) { d.link.subscribe(f) }

// Capabilities implements driver.Driver.
func (d *Driver) Capabilities() driver.Capabilities {
	c := d.caps
	c.Features = maps.Clone(c.Features)
	return c
}

// Subscribe implements driver.Driver.
func (d *Driver) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	sub, err := d.subscribe(ctx, spec)
	if err != nil {
		return nil, fail("subscribe", spec.Topic, err)
	}
	return sub, nil
}

func (d *Driver) subscribe(ctx context.Context, spec driver.Spec) (member, error) {
	if err := d.validSpec(spec); err != nil {
		return nil, err
	}
	spec.Types = slices.Clone(spec.Types)
	if d.isClosed() {
		return nil, driver.ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.ctx, func() { cancel(driver.ErrClosed) })()
	var sub member
	var err error
	switch {
	case d.cfg.PubSub:
		sub, err = d.listen(ctx, spec)
	case spec.Broadcast:
		sub, err = d.broadcast(ctx, spec)
	default:
		sub, err = d.join(ctx, spec)
	}
	if err != nil {
		return nil, err
	}
	if !d.enlist(sub) {
		ended, stop := context.WithCancel(context.Background())
		stop()
		_ = sub.Close(ended) // it never was anybody's
		return nil, driver.ErrClosed
	}
	return sub, nil
}

// validSpec checks what does not depend on the server's state.
func (d *Driver) validSpec(spec driver.Spec) error {
	if !spec.Broadcast && d.cfg.PubSub {
		return because(driver.ErrUnsupported, errNoGroups)
	}
	return spec.Check()
}

func (d *Driver) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

func (d *Driver) enlist(m member) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.subs[m] = struct{}{}
	}
	return !d.closed
}

func (d *Driver) forget(m member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.subs, m)
}

// Close implements driver.Driver.
func (d *Driver) Close(ctx context.Context) error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		<-d.done // the first call sees to it that this is soon
		return nil
	}
	d.closed = true
	subs := slices.Collect(maps.Keys(d.subs))
	d.mu.Unlock()
	defer close(d.done)
	errs := make([]error, len(subs))
	var wg sync.WaitGroup
	for i, s := range subs {
		wg.Go(func() { errs[i] = s.Close(ctx) })
	}
	wg.Wait()
	d.pub.abandon()
	d.cancel()
	d.commands.wires.cut()
	d.link.client.wires.cut()
	d.running.Wait()
	d.commands.close()
	d.link.client.close()
	return errors.Join(errs...)
}
