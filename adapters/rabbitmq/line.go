package rabbitmq

import (
	"context"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

// link is one live AMQP connection: one epoch of a line. It never comes back once it is gone.
type link struct {
	conn  *amqp.Connection
	wire  *coalescer
	split *splitter
	gone  chan struct{} // closed when the connection is lost

	mu        sync.Mutex
	err       error         // why it is gone
	unblocked chan struct{} // closed when the broker reads again; nil while it does not block
	ended     chan struct{} // closed when the watcher has ended
	frame     int           // the most bytes of a frame
}

func newLink(conn *amqp.Connection, wire *coalescer, split *splitter) *link {
	l := &link{conn: conn, wire: wire, split: split, gone: make(chan struct{}), ended: make(chan struct{}), frame: frameSize}
	if f := conn.Config.FrameSize; f > 0 {
		l.frame = f
	}
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	go l.watch(closed, blocked)
	return l
}

// watch ends with the connection. The socket is closed here: amqp091 tells that a connection is lost before it frees those who write.
func (l *link) watch(closed <-chan *amqp.Error, blocked <-chan amqp.Blocking) {
	defer close(l.ended)
	for {
		select {
		case b, ok := <-blocked:
			if !ok {
				blocked = nil
				continue
			}
			l.setBlocked(b.Active)
		case err := <-closed:
			l.mu.Lock()
			l.err = errLinkLost
			if err != nil {
				l.err = err
			}
			l.mu.Unlock()
			_ = l.wire.Close()
			l.setBlocked(false)
			close(l.gone)
			return
		}
	}
}

func (l *link) setBlocked(on bool) {
	l.wire.setBlocked(on)
	l.mu.Lock()
	defer l.mu.Unlock()
	if on && l.unblocked == nil {
		l.unblocked = make(chan struct{})
	}
	if !on && l.unblocked != nil {
		close(l.unblocked)
		l.unblocked = nil
	}
}

// blocked returns a channel that is closed when the broker takes messages again; nil when it does.
func (l *link) blocked() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unblocked
}

// why is the reason of the loss.
func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// close says goodbye until ctx ends, then cuts, and returns when nothing is left.
func (l *link) close(ctx context.Context) {
	if l.blocked() != nil { // it would not read the goodbye
		l.cut()
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = l.wire.Close() })
	_ = l.conn.Close() // an error means that it is gone already
	stop()
	l.cut()
}

// cut closes the socket and returns when nothing is left of the connection.
func (l *link) cut() {
	_ = l.wire.Close()
	<-l.ended
}

// line keeps one connection of a role up: it dials for ever, with pauses, until it is closed.
type line struct {
	cfg    *Config
	role   string
	change func(up bool, err error) // told after each change, from the line's goroutine

	mu      sync.Mutex
	current *link
	failure error         // the last failure to connect
	changed chan struct{} // closed at the next change of current or failure
	done    chan struct{} // closed when run has ended
	last    *link         // what was live then
}

func newLine(cfg *Config, role string, change func(bool, error)) *line {
	return &line{cfg: cfg, role: role, change: change, changed: make(chan struct{}), done: make(chan struct{}), failure: errNotConnected}
}

// Pauses between attempts, with jitter; a connection that held for healthy resets them. Where the broker refuses for good they lie between the hopeless
// ones.
const (
	pauseLeast    = 50 * time.Millisecond
	pauseMost     = 2 * time.Second
	hopelessLeast = 5 * time.Second
	hopelessMost  = 30 * time.Second
	healthy       = 30 * time.Second
)

// run connects and connects again until ctx ends; the last connection is left open for close.
func (l *line) run(ctx context.Context) {
	defer close(l.done)
	pauses, slow := backoff.New(pauseLeast, pauseMost), backoff.New(hopelessLeast, hopelessMost)
	for ctx.Err() == nil {
		next, err := connect(ctx, l.cfg, l.role)
		if err != nil {
			l.set(nil, err)
			pace := pauses
			if hopeless(err) { // somebody has to change something first, and brokers lock out who tries too often
				pace = slow
			}
			if pace.Wait(ctx) != nil {
				return
			}
			continue
		}
		began := time.Now()
		l.set(next, nil)
		select {
		case <-next.gone:
		case <-ctx.Done():
			l.mu.Lock()
			l.current, l.last = nil, next
			l.mu.Unlock()
			return
		}
		next.cut()
		l.set(nil, next.why())
		if time.Since(began) > healthy {
			pauses.Reset()
		}
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

// close ends the last connection once run has ended. ctx bounds the goodbye.
func (l *line) close(ctx context.Context) {
	<-l.done
	if l.last != nil {
		l.last.close(ctx)
	}
}

func (l *line) set(next *link, err error) {
	l.mu.Lock()
	had := l.current != nil
	l.current, l.failure = next, err
	close(l.changed)
	l.changed = make(chan struct{})
	l.mu.Unlock()
	if had || next != nil {
		l.change(next != nil, err)
	}
}

// state returns the live link, or why there is none, and a channel that is closed at the next change.
func (l *line) state() (current *link, changed <-chan struct{}, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current, l.changed, l.failure
}

// leave waits until a link that is gone is not the current one any more, or ctx ends.
func (l *line) leave(ctx context.Context, old *link) {
	for {
		current, changed, _ := l.state()
		if current != old {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// kill cuts the live link, so that nobody waits for the broker any more.
func (l *line) kill() {
	if current, _, _ := l.state(); current != nil {
		_ = current.wire.Close()
	}
}

// await returns the live link, waiting for one until ctx ends.
func (l *line) await(ctx context.Context) (*link, error) {
	for {
		current, changed, _ := l.state()
		if current != nil {
			return current, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// first waits for the first connection, and gives up at once when the broker refuses for good.
func (l *line) first(ctx context.Context) error {
	for {
		current, changed, err := l.state()
		if current != nil {
			return nil
		}
		if hopeless(err) {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			_, _, err := l.state()
			return because(context.Cause(ctx), err)
		}
	}
}
