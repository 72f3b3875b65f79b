package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// Driver is a connection to a Kafka cluster: as many TCP connections as its work needs. It is safe for concurrent use.
type Driver struct {
	cfg     Config
	cluster *cluster
	admin   *admin
	pub     *publisher
	caps    driver.Capabilities
	wake    chan struct{} // of capacity 1, a flag: look whether the cluster is there
	gone    atomic.Pointer[error]
	running sync.WaitGroup
	end     context.CancelCauseFunc
	//nolint:containedctx // the driver's own lifetime, for calls that must end with it; it is nobody's call
	life context.Context

	mu     sync.Mutex // guards what follows
	subs   []*subscription
	closed bool
	ended  chan struct{} // closed when the first Close has returned
	err    error         // what that one returned

	telling sync.Mutex // keeps the notices in order; held while notify is called
	notify  func(driver.Notice)
	told    driver.NoticeKind
}

var (
	_ driver.Driver   = (*Driver)(nil)
	_ driver.Notifier = (*Driver)(nil)
	_ driver.History  = (*Driver)(nil)
	_ driver.Lagger   = (*Driver)(nil)
	_ driver.Topology = (*Driver)(nil)
	_ driver.Groups   = (*Driver)(nil)
)

// New connects to the cluster. It waits for a cluster that is away until ctx ends, or for Config.DialTimeout where ctx has no deadline; a
// cluster that refuses this user, or a certificate, is an error at once. No error holds the password. ctx bounds opening only.
func New(ctx context.Context, cfg Config) (*Driver, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	dialer, err := newDialer(cfg)
	if err != nil {
		return nil, fail("open", "", err)
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.DialTimeout)
		defer cancel()
	}
	c := newCluster(dialer)
	if err := c.meet(ctx); err != nil {
		c.close()
		return nil, fail("open", "", err)
	}
	d := &Driver{
		cfg: cfg, cluster: c, admin: &admin{cluster: c, cfg: cfg, most: stockMessage}, wake: make(chan struct{}, 1),
		ended: make(chan struct{}), told: driver.Connected,
	}
	if d.caps, err = d.explore(ctx); err != nil {
		c.close()
		return nil, fail("open", "", err)
	}
	d.pub = newPublisher(c, d.admin, cfg)
	d.life, d.end = context.WithCancelCause(context.Background())
	trouble := func(error) { signal(d.wake) }
	c.setTrouble(trouble)
	d.running.Go(func() { d.watch(d.life) })
	return d, nil
}

// Publisher implements driver.Driver.
func (d *Driver) Publisher() driver.Publisher { return d.pub }

// watch looks whether the cluster is there: at every sign of trouble, and now and then.
func (d *Driver) watch(ctx context.Context) {
	pause := backoff.New(retryFirst, d.cfg.Heartbeat)
	timer := time.NewTimer(d.cfg.Heartbeat)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
		for err := d.cluster.refresh(ctx); err != nil; err = d.cluster.refresh(ctx) {
			if ctx.Err() != nil {
				return
			}
			d.lost(err)
			if pause.Wait(ctx) != nil { // each try is a sign of trouble itself, so that those say nothing until one succeeds
				return
			}
		}
		pause.Reset()
		d.found()
		timer.Reset(d.cfg.Heartbeat)
	}
}

// lost notes that no broker answers.
func (d *Driver) lost(err error) {
	was := d.gone.Swap(&err)
	if was == nil {
		d.pub.offline(err)
	}
	d.tell(driver.Notice{Kind: driver.Disconnected, Err: err})
}

// found notes that one does.
func (d *Driver) found() {
	if d.gone.Swap(nil) != nil {
		d.pub.online()
	}
	d.tell(driver.Notice{Kind: driver.Connected})
}

// away returns why no broker answers, or nil.
func (d *Driver) away() error {
	if err := d.gone.Load(); err != nil {
		return *err
	}
	return nil
}

// tell passes a change on, once.
func (d *Driver) tell(n driver.Notice) {
	d.telling.Lock()
	defer d.telling.Unlock()
	if d.told == n.Kind {
		return
	}
	d.told = n.Kind
	if d.notify != nil {
		d.notify(n)
	}
}

// Notify implements driver.Notifier.
func (d *Driver) Notify(f func(driver.Notice)) {
	d.telling.Lock()
	defer d.telling.Unlock()
	d.notify = f
	if f != nil {
		f(driver.Notice{Kind: d.told, Err: d.away()})
	}
}

// enlist notes a subscription, unless the driver is closed.
func (d *Driver) enlist(s *subscription) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return driver.ErrClosed
	}
	d.subs = append(d.subs, s)
	return nil
}

func (d *Driver) forget(s *subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.subs = slices.DeleteFunc(d.subs, func(o *subscription) bool { return o == s })
}

// Close implements driver.Driver.
func (d *Driver) Close(ctx context.Context) error {
	d.mu.Lock()
	first := !d.closed
	d.closed = true
	subs := slices.Clone(d.subs)
	d.mu.Unlock()
	if !first {
		select {
		case <-d.ended:
			return d.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	defer close(d.ended)
	errs := make([]error, len(subs))
	var wg sync.WaitGroup
	for i, s := range subs {
		wg.Go(func() { errs[i] = s.Close(ctx) })
	}
	d.pub.shut()
	wg.Wait()
	d.end(driver.ErrClosed)
	d.pub.abandon()
	d.running.Wait()
	d.cluster.close()
	d.err = errors.Join(errs...)
	return d.err
}
