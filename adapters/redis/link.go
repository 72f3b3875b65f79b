package redis

import (
	"context"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// Bounds of the waits between two tries to reach the server, and how long the watcher's read blocks.
const (
	redialFirst = 20 * time.Millisecond
	redialMost  = 2 * time.Second
	watchBlock  = time.Second
)

// link is the state of the connection to the broker: one connection always waits in a read, so that a cut is seen at once, and a silent
// server within watchBlock and the time-out.
type link struct {
	client *client

	mu      sync.Mutex
	online  bool
	err     error         // why not
	change  chan struct{} // closed at the next change
	lost    chan struct{} // one slot: somebody met trouble
	telling sync.Mutex    // keeps the notices in order; held while notify is called
	notify  func(driver.Notice)
	told    driver.NoticeKind
	watcher func(online bool, err error) // the publisher's; called before anybody is told
	gate    func(ctx context.Context)    // called when the server answers again, before anybody is told
}

func newLink(cfg Config) *link {
	return &link{
		client: newClient(cfg, 1, watchBlock+cfg.Timeout), change: make(chan struct{}), lost: make(chan struct{}, 1),
		watcher: func(bool, error) {}, gate: func(context.Context) {},
	}
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
	for ctx.Err() == nil {
		if err := l.client.ping(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			l.set(false, err)
			if isReply(err) { // it may stand for a server that is not ours any more
				l.client.wires.cut()
			}
			_ = wait.Wait(ctx) // the loop looks at ctx
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
		pause(ctx, redialFirst) // where pings are answered and reads are not
	}
}

// watch returns when the connection is lost.
func (l *link) watch(ctx context.Context) error {
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
		case err == nil, err == goredis.Nil: //nolint:errorlint // never wrapped
		case isTrouble(err):
			return err
		default: // not allowed to read: ask in another way
			pause(ctx, watchBlock)
			if err := l.client.ping(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// watchKey is a stream that nobody writes.
const watchKey = "{herald..watch}"
