package messaging

import "context"

// watch gives up the asynchronous calls of one context when it ends: many calls share a context, and watching it costs more than publishing.
// The producer's mutex guards it.
type watch struct {
	ctx  context.Context
	done <-chan struct{} // the context's, which is the same in those derived from it by values alone
	last *call           // the newest of its calls that are under way
	stop func() bool
}

// ticket is a call as it was listed. Once it is off the list the call may serve again, under another number.
type ticket struct {
	call   *call
	number uint64
}

// attend lets a listed call end with its context. p.mu is held.
func (p *Producer) attend(ctx context.Context, c *call) {
	done := ctx.Done()
	if done == nil {
		return
	}
	w := p.watches[done]
	if w == nil {
		w = &watch{ctx: ctx, done: done}
		if p.watches == nil {
			p.watches = make(map[<-chan struct{}]*watch)
		}
		p.watches[done] = w
		w.stop = context.AfterFunc(ctx, func() { p.ended(w) })
	}
	c.queue.watch, c.queue.elder = w, w.last
	if w.last != nil {
		w.last.queue.younger = c
	}
	w.last = c
}

// unattend is the end of attend for a call that leaves. p.mu is held.
func (p *Producer) unattend(c *call) {
	q := &c.queue
	w := q.watch
	if w == nil {
		return
	}
	if q.elder != nil {
		q.elder.queue.younger = q.younger
	}
	if q.younger != nil {
		q.younger.queue.elder = q.elder
	} else {
		w.last = q.elder
	}
	q.watch, q.elder, q.younger = nil, nil, nil
	if w.last == nil {
		w.stop()
		p.unwatch(w)
	}
}

func (p *Producer) unwatch(w *watch) {
	if p.watches[w.done] == w {
		delete(p.watches, w.done)
	}
}

// ended gives up all calls of a context that has ended. Those that begin to be watched from now on make a watch of their own.
func (p *Producer) ended(w *watch) {
	why := cause(w.ctx)
	var over []ticket
	p.mu.Lock()
	p.unwatch(w)
	for c := w.last; c != nil; c = c.queue.elder {
		over = append(over, ticket{c, c.queue.number})
	}
	p.mu.Unlock()
	for i := len(over) - 1; i >= 0; i-- {
		p.giveUp(over[i], why)
	}
}

// giveUp gives a call up whose context or time is over, unless it has its fate.
func (p *Producer) giveUp(t ticket, why error) {
	c := t.call
	p.mu.Lock()
	ours := c.queue.listed && c.queue.number == t.number && c.withdraw(why)
	p.mu.Unlock()
	if ours {
		p.finish(c)
	}
}

// asyncCall returns a call for one event. Many are under way at once, so they are small: what the event is encoded by way of is lent.
func (p *Producer) asyncCall() *call {
	c, _ := p.calls.Get().(*call)
	if c == nil {
		c = emptyCall()
	}
	c.msgs = c.msgs[:0]
	if c.scratch, _ = p.broker.scratches.Get().(*scratch); c.scratch == nil {
		c.scratch = &scratch{}
	}
	return c
}

// encoded gives back what was lent.
func (p *Producer) encoded(c *call) {
	*c.scratch = scratch{}
	p.broker.scratches.Put(c.scratch)
	c.scratch = nil
}

// recycle keeps a call for another event: the driver and PublishAsync are done with it, and it is off the list. p.mu is held.
func (p *Producer) recycle(c *call) {
	c.reset()
	p.calls.Put(c)
}
