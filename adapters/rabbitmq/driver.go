package rabbitmq

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// Driver is a pair of connections to RabbitMQ, one for publishing and one for consuming, so that a broker that blocks publishers still takes
// acknowledgements. Both come back by themselves. It is safe for concurrent use.
type Driver struct {
	cfg        Config
	version    atomic.Value // of the server that was met first, a string
	clock      atomic.Pointer[func() time.Time]
	publishing *line
	consuming  *line
	publisher  *publisher
	end        context.CancelFunc
	requests   sync.WaitGroup

	mu     sync.Mutex
	subs   map[*subscription]struct{}
	closed bool
	half   map[string]bool // topics whose exchange was declared again, and whose groups may not be bound to it yet

	notices sync.Mutex
	notify  func(driver.Notice)
	up      int
	told    driver.NoticeKind
	why     error

	closer sync.Once
	done   chan struct{} // closed when nothing is left
}

var (
	_ driver.Driver   = (*Driver)(nil)
	_ driver.Notifier = (*Driver)(nil)
)

// New connects. ctx bounds the opening; without a deadline it is bounded by Config.DialTimeout. A broker that is away is waited for; one that
// refuses for good (wrong password, unknown virtual host, a certificate that does not fit) is an error at once. Errors hold no password.
func New(ctx context.Context, cfg Config) (*Driver, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	if cfg.UseTLS && cfg.TLS == nil { // each connection reads the files anew; what is wrong with them now is not waited for
		if _, err := cfg.TLSFiles.Config(); err != nil {
			return nil, fail("open", "", err)
		}
	}
	d := &Driver{cfg: cfg, subs: make(map[*subscription]struct{}), done: make(chan struct{})}
	d.publishing = newLine(&d.cfg, "publishing", d.changed)
	d.consuming = newLine(&d.cfg, "consuming", d.changed)
	d.publisher = newPublisher(d)
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	d.end = end
	go d.publishing.run(living)
	go d.consuming.run(living)
	d.publisher.start(living)
	opening := ctx
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		opening, cancel = context.WithTimeout(ctx, cfg.DialTimeout)
		defer cancel()
	}
	if err := d.open(opening); err != nil {
		now, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancel() // nothing was published
		return nil, errors.Join(fail("open", "", err), d.Close(now))
	}
	return d, nil
}

func (d *Driver) open(ctx context.Context) error {
	if err := d.publishing.first(ctx); err != nil {
		return err
	}
	if err := d.consuming.first(ctx); err != nil {
		return err
	}
	l, err := d.consuming.await(ctx)
	if err != nil {
		return err
	}
	d.version.Store(versionOf(l.conn))
	return nil
}

// Publisher implements driver.Driver.
func (d *Driver) Publisher() driver.Publisher { return d.publisher }

// Notify implements driver.Notifier.
func (d *Driver) Notify(f func(driver.Notice)) {
	d.notices.Lock()
	defer d.notices.Unlock()
	d.notify, d.told = f, 0
	d.tell()
}

// changed notes that a line went up or down.
func (d *Driver) changed(up bool, err error) {
	d.notices.Lock()
	defer d.notices.Unlock()
	if up {
		d.up++
	} else {
		d.up--
		d.why = err
	}
	d.tell()
}

// tell tells a state that was not told yet: connected is both lines. d.notices is held.
func (d *Driver) tell() {
	n := driver.Notice{Kind: driver.Connected}
	if d.up < 2 {
		n = driver.Notice{Kind: driver.Disconnected, Err: fail("connection", "", d.why)}
	}
	if d.notify == nil || n.Kind == d.told {
		return
	}
	d.told = n.Kind
	d.notify(n)
}

// ask runs f with a desk on the consuming connection, again when the connection fails, until ctx ends. f must be one that can be run twice.
// The broker's refusals come back at once.
func (d *Driver) ask(ctx context.Context, f func(*desk) error) error {
	pauses := backoff.New(pauseLeast, pauseMost)
	for {
		if err := d.alive(); err != nil {
			return err
		}
		l, err := d.consuming.await(ctx)
		if err != nil {
			return err
		}
		if err = d.askOnce(ctx, l, f); err == nil || refusal(err) || ctx.Err() != nil {
			return err
		}
		if err := pauses.Wait(ctx); err != nil {
			return err
		}
	}
}

// askOnce leaves f behind when ctx ends: it waits for the broker, and ends with the link at the latest.
func (d *Driver) askOnce(ctx context.Context, l *link, f func(*desk) error) error {
	select {
	case err := <-d.begin(l, f):
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin runs f with a desk in a goroutine that Close waits for, and returns what receives its error.
func (d *Driver) begin(l *link, f func(*desk) error) <-chan error {
	answer := make(chan error, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		answer <- driver.ErrClosed
		return answer
	}
	d.requests.Add(1)
	go func() {
		defer d.requests.Done()
		k := &desk{link: l}
		err := f(k)
		k.close()
		answer <- err
	}()
	return answer
}

func (d *Driver) alive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return driver.ErrClosed
	}
	return nil
}

// goodbye is how long an orderly end may take when ctx would allow more.
const goodbye = 5 * time.Second

// Close implements driver.Driver.
func (d *Driver) Close(ctx context.Context) error {
	d.closer.Do(func() { d.close(ctx) })
	<-d.done
	return nil
}

func (d *Driver) close(ctx context.Context) {
	defer close(d.done)
	d.mu.Lock()
	d.closed = true
	subs := make([]*subscription, 0, len(d.subs))
	for s := range d.subs {
		subs = append(subs, s)
	}
	d.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range subs {
		wg.Go(func() { _ = s.Close(ctx) }) // what it could not flush comes again
	}
	wg.Go(func() { d.publisher.end(ctx) })
	wg.Wait()
	d.end()
	polite, cancel := context.WithTimeout(ctx, goodbye)
	defer cancel()
	wg.Go(func() { d.publishing.close(polite) })
	wg.Go(func() { d.consuming.close(polite) })
	wg.Wait()
	for _, s := range subs {
		<-s.done // an ended context may have left them behind
	}
	d.requests.Wait()
}
