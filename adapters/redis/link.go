package redis

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// Bounds of the waits between two tries to reach the server, of which the first is made at once, and how long the watcher's read blocks.
const (
	redialFirst = 20 * time.Millisecond
	redialMost  = 2 * time.Second
	watchBlock  = time.Second
)

// hasteEvery is the time in which one connection that was lost is tried again at once; before another try there is a pause.
const hasteEvery = time.Second

// haste allows a try without a pause now and then, so that a single cut costs no time, and a server that cuts again and again sees no storm.
type haste struct{ last time.Time }

func (h *haste) may() bool {
	now := time.Now()
	if now.Sub(h.last) < hasteEvery {
		return false
	}
	h.last = now
	return true
}

// link is the state of the connection to the broker: one connection always waits in a read, so that a cut is seen at once, and a silent
// server within watchBlock and the time-out.
type link struct {
	client *client

	mu       sync.Mutex
	online   bool
	err      error         // why not
	change   chan struct{} // closed at the next change
	lost     chan struct{} // one slot: somebody met trouble
	watching atomic.Bool
	telling  sync.Mutex // keeps the notices in order; held while notify is called
	notify   func(driver.Notice)
	told     driver.NoticeKind
	watcher  func(online bool, err error) // the publisher's; called before anybody is told
	gate     func(ctx context.Context)    // called when the server answers again, before anybody is told
}

func newLink(cfg Config) *link {
	l := &link{
		client: newClient(cfg, 1, watchBlock+cfg.Timeout), change: make(chan struct{}), lost: make(chan struct{}, 1),
		watcher: func(bool, error) {}, gate: func(context.Context) {},
	}
	l.client.wires.veto = l.veto
	return l
}

// veto refuses a new connection to a watch that trouble has ended: its read was cut, and must not begin anew on another one and hold up for
// watchBlock what waits for the next ping.
func (l *link) veto() error {
	if l.watching.Load() && len(l.lost) > 0 {
		return driver.ErrDisconnected
	}
	return nil
}

// await waits until the broker is there.
func (l *link) await(ctx context.Context) error {
	for {
		online, change, err := l.state()
		if online {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			if err != nil {
				return because(context.Cause(ctx), err)
			}
			return context.Cause(ctx)
		}
	}
}

func (l *link) state() (online bool, change <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.online, l.change, l.err
}

// trouble reports that a connection failed: the link counts as down until the server has answered again.
func (l *link) trouble(err error) {
	if !isTrouble(err) {
		return
	}
	l.set(false, err)
	select {
	case l.lost <- struct{}{}:
	default:
	}
	l.client.wires.cut()
}

func (l *link) set(online bool, err error) {
	l.mu.Lock()
	changed := l.online != online
	l.online, l.err = online, err
	if changed {
		close(l.change)
		l.change = make(chan struct{})
		l.watcher(online, err)
	}
	l.mu.Unlock()
	l.tell()
}

// tell passes the present state on, if it is news.
func (l *link) tell() {
	l.telling.Lock()
	defer l.telling.Unlock()
	online, _, err := l.state()
	n := driver.Notice{Kind: driver.Connected}
	if !online {
		n = driver.Notice{Kind: driver.Disconnected, Err: because(driver.ErrDisconnected, orClosed(err))}
	}
	if l.notify == nil || l.told == n.Kind {
		return
	}
	l.told = n.Kind
	l.notify(n)
}

func orClosed(err error) error {
	if err == nil {
		return driver.ErrClosed
	}
	return err
}

func (l *link) subscribe(f func(driver.Notice)) {
	l.telling.Lock()
	l.notify, l.told = f, 0
	l.telling.Unlock()
	l.tell()
}

// run keeps the state until ctx ends.
func (l *link) run(ctx context.Context) {
	wait := backoff.New(redialFirst, redialMost)
	var hurry haste
	for ctx.Err() == nil {
		if err := l.client.ping(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			l.set(false, err)
			if isReply(err) { // it may stand for a server that is not ours any more
				l.client.wires.cut()
			}
			if !errors.Is(err, net.ErrClosed) || !hurry.may() { // else it was cut here, by who met trouble meanwhile
				_ = wait.Wait(ctx) // the loop looks at ctx
			}
			continue
		}
		select {
		case <-l.lost: // was before this answer
		default:
		}
		wait.Reset()
		l.gate(ctx)
		l.set(true, nil)
		err := l.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		l.set(false, err)
		if !hurry.may() { // pings may be answered where reads are not
			_ = wait.Wait(ctx) // the loop looks at ctx
		}
	}
}

// watch returns when the connection is lost.
func (l *link) watch(ctx context.Context) error {
	l.watching.Store(true)
	defer l.watching.Store(false)
	for ctx.Err() == nil {
		select {
		case <-l.lost:
			_, _, err := l.state()
			return err
		default:
		}
		err := l.client.do(ctx, watchKey, func(node *goredis.Client) error {
			return node.Do(ctx, "xread", "block", watchBlock.Milliseconds(), "streams", watchKey, "$").Err()
		})
		switch {
		case err == nil, err == goredis.Nil, errors.Is(err, driver.ErrDisconnected): //nolint:errorlint // never wrapped
		case isTrouble(err):
			return err
		default: // not allowed to read: ask in another way
			if l.rest(ctx) {
				_, _, err := l.state()
				return err
			}
			if err := l.client.ping(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// rest waits for watchBlock, and reports whether somebody has met trouble meanwhile.
func (l *link) rest(ctx context.Context) bool {
	timer := time.NewTimer(watchBlock)
	defer timer.Stop()
	select {
	case <-l.lost:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// watchKey is a stream that nobody writes.
const watchKey = "{herald..watch}"
