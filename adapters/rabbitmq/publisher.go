package rabbitmq

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// publisher queues messages for the one goroutine that writes them, over a connection of its own.
type publisher struct {
	d      *Driver
	queue  *sendqueue.Queue
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	closer sync.Once
	why    error         // why the session before ended; for the goroutine
	ending chan struct{} // closed when Close waits for what is queued
	begin  sync.Once
}

var _ driver.Publisher = (*publisher)(nil)

func newPublisher(d *Driver) *publisher {
	room := sendqueue.NewRoom(d.cfg.PublishQueue, d.cfg.PublishQueueBytes)
	return &publisher{d: d, queue: sendqueue.New(room), done: make(chan struct{}), ending: make(chan struct{})}
}

func (p *publisher) start(ctx context.Context) {
	ctx, p.cancel = context.WithCancel(ctx)
	go p.run(ctx)
}

// Send implements driver.Publisher.
func (p *publisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	p.queue.Put(ctx, to, msgs, r)
}

// Close implements driver.Publisher.
func (p *publisher) Close(ctx context.Context) error {
	p.queue.Close()
	p.begin.Do(func() { close(p.ending) })
	err := p.queue.Idle(ctx)
	p.closer.Do(p.cancel)
	if err == nil {
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	p.d.publishing.kill() // the goroutine may wait for the broker
	<-p.done
	return fail("close publisher", "", err)
}

// end closes for the driver's Close: what is queued while the broker is away is not waited for.
func (p *publisher) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, goodbye)
	defer cancel()
	if current, _, _ := p.d.publishing.state(); current == nil || current.blocked() != nil {
		cancel()
	}
	_ = p.Close(ctx) // every message has its fate
}

// run writes over one session after the other until ctx ends, and then fails what is left.
func (p *publisher) run(ctx context.Context) {
	defer close(p.done)
	pauses := backoff.New(pauseLeast, pauseMost)
	for ctx.Err() == nil {
		current, changed, why := p.d.publishing.state()
		if current == nil {
			p.queue.Offline(why)
			p.rest(ctx, changed)
			continue
		}
		err := p.write(ctx, current)
		p.why = err
		select {
		case <-current.gone:
			p.queue.Offline(current.why())
			p.d.publishing.leave(ctx, current)
			pauses.Reset()
		default:
			if err != nil { // the connection is there and its channel is not: do not spin
				_ = pauses.Wait(ctx)
			}
		}
	}
	p.queue.Close()
	p.queue.Fail(fail("publish", "", driver.ErrClosed))
}

// purgeEvery is how often a closing publisher that can't write looks for messages that were withdrawn.
const purgeEvery = 50 * time.Millisecond

// rest waits for a connection, or for a broker that blocks. While Close waits, what is withdrawn gets its fate all the same.
func (p *publisher) rest(ctx context.Context, changed <-chan struct{}) {
	select {
	case <-changed:
		return
	case <-ctx.Done():
		return
	case <-p.ending:
	}
	p.purge()
	timer := time.NewTimer(purgeEvery)
	defer timer.Stop()
	select {
	case <-changed:
	case <-ctx.Done():
	case <-timer.C:
	}
}

// purge gives withdrawn messages their fate.
func (p *publisher) purge() {
	p.queue.Unread(p.queue.Take(nil, math.MaxInt, math.MaxInt))
}

// write is one session, from its opening to its end.
func (p *publisher) write(ctx context.Context, l *link) error {
	s, err := newSession(p, l)
	if err != nil {
		return err
	}
	p.queue.Online()
	err = s.serve(ctx)
	s.end(err)
	return err
}
