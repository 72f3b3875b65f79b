package rabbitmq

import (
	"context"
	"sync"

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
}

var _ driver.Publisher = (*publisher)(nil)

func newPublisher(d *Driver) *publisher {
	room := sendqueue.NewRoom(d.cfg.PublishQueue, d.cfg.PublishQueueBytes)
	return &publisher{d: d, queue: sendqueue.New(room), done: make(chan struct{})}
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
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		err := p.write(ctx, current)
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
