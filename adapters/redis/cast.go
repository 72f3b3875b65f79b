package redis

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// caster publishes to one server: to its channels, or to its streams, but for messages that are to wait, which the line's goroutine gives to the
// client library. Whoever has the turn writes: the caller of Send where nothing is on its way and nothing
// waits, so that no other goroutine has to wake before the message leaves; the flight's reader where answers have come and more waits; else
// the line's goroutine. The turn goes with what was written, and is free again when all of it is answered.
type caster struct {
	l      *line
	client *client       // of the flights alone
	turn   chan struct{} // of capacity 1: who takes the value has the turn

	// What follows belongs to the turn.
	flight  *flight // nil while there is no connection
	request []byte
	body    []byte
	one     [1]sendqueue.Entry
	late    []sendqueue.Entry // stored, and to be told when the turn is free: the answers were here before the writer was back
}

// straightBytes bounds what a caller writes by itself. It is less than what an idle connection takes without waiting.
const straightBytes = 4 << 10

func newCaster(l *line) *caster {
	c := &caster{l: l, client: newClient(l.d.cfg, 1, l.d.cfg.Timeout), turn: make(chan struct{}, 1)}
	c.client.wires.within = l.d.cfg.Timeout
	c.free()
	return c
}

// free gives the turn back.
func (c *caster) free() { c.turn <- struct{}{} }

// straight writes a message in its caller's goroutine, or does nothing and returns false.
func (c *caster) straight(to driver.Address, m *driver.Message, r driver.Result) bool {
	if m.Size() > straightBytes || !c.l.plain(m) || !c.l.knows(to) {
		return false
	}
	select {
	case <-c.turn:
	default:
		return false
	}
	if c.flight == nil || !c.flight.stands() {
		c.free()
		return false
	}
	var ok bool
	if c.one[0], ok = c.l.queue.Straight(to, m, r); !ok {
		c.free()
		return false
	}
	by := writerCaller
	if w, ok := r.(driver.Waiter); ok && w.Waits() {
		by = writerWaiter
	}
	f := c.flight
	gone, reads := c.write(context.Background(), c.one[:], by)
	switch {
	case !gone:
		c.release()
	case reads:
		c.listenOnce(f)
	}
	return true
}

// plain reports whether a message is one command that the caster writes.
func (l *line) plain(m *driver.Message) bool { return l.d.cfg.PubSub || m.NotBefore.IsZero() }

// knows reports whether nobody has to be asked where an address leads.
func (l *line) knows(to driver.Address) bool {
	return l.d.cfg.PubSub || to.Log || l.known(to.Topic, to.Unrouted == driver.Keep && to.Group == "") != nil
}

// run writes what waits while no answer is awaited, until ctx ends.
func (c *caster) run(ctx context.Context) {
	wait := backoff.New(redialFirst, redialMost)
	for {
		select {
		case <-c.l.queue.Ready():
		case <-ctx.Done():
			c.end()
			return
		}
		<-c.turn // what was written is answered, or its connection ends
		for ctx.Err() == nil && c.l.queue.Len() > 0 {
			sendqueue.DoneAll(c.late, driver.Stored, nil)
			c.late = nil
			if c.l.d.link.await(ctx) != nil {
				continue
			}
			if !c.connect(ctx) {
				_ = wait.Wait(ctx) // the loop looks at ctx
				continue
			}
			wait.Reset()
			if c.more(ctx, writerLine) {
				<-c.turn
			}
		}
		c.release()
	}
}

// release gives the turn back, and tells fates that have waited for that.
func (c *caster) release() {
	late := c.late
	c.late = nil
	c.free()
	sendqueue.DoneAll(late, driver.Stored, nil)
}

// end tells the last fates, and keeps the turn.
func (c *caster) end() {
	<-c.turn
	c.l.queue.Fail(driver.ErrClosed)
	c.drop()
}

// connect makes sure that there is a connection which is not known to be cut.
func (c *caster) connect(ctx context.Context) bool {
	if c.flight != nil && c.flight.stands() {
		return true
	}
	c.drop()
	f, err := c.client.feed(ctx, c.l.d.cfg, "")
	if err == nil {
		err = f.primary()
	}
	if err != nil {
		if f != nil {
			f.close()
		}
		c.l.d.link.trouble(err)
		return false
	}
	if c.flight, err = newFlight(f); err != nil {
		c.l.d.link.trouble(err)
		return false
	}
	go c.listen(c.flight) // drop waits for it
	return true
}

func (c *caster) drop() {
	if c.flight != nil {
		c.flight.end()
		c.flight = nil
	}
}

// writer is who has the turn and writes.
type writer int

const (
	writerCaller writer = iota // of Send, who must not wait
	writerWaiter               // who is such a caller, and will wait
	writerReader               // of the answers, who must ask nobody
	writerLine                 // the line's own goroutine
)

// more writes what waits, as much as one pipeline takes, and reports whether the turn has gone with it.
func (c *caster) more(ctx context.Context, by writer) bool {
	l := c.l
	l.batch = l.queue.Take(l.batch[:0], pipelineCount, pipelineBytes)
	if !slices.ContainsFunc(l.batch, func(e sendqueue.Entry) bool { return !l.plain(e.Msg) }) {
		gone, _ := c.write(ctx, l.batch, by)
		return gone
	}
	if by == writerLine && l.stands(ctx) {
		l.send(ctx, l.batch)
	} else {
		l.queue.Unread(l.batch)
	}
	clear(l.batch)
	return false
}

// requestKept is how large a piece of memory for requests is used again.
const requestKept = 4 * pipelineBytes

// write claims messages and writes them as one pipeline. It reports whether any is on its way: then the turn goes with it, and reads is whether it
// goes to the caller. The others have their fates, or are back in the queue.
func (c *caster) write(ctx context.Context, batch []sendqueue.Entry, by writer) (gone, reads bool) {
	if !c.l.aim(ctx, batch, by == writerLine) {
		return false, false
	}
	sent := batch[:0]
	if cap(c.request) > requestKept {
		c.request, c.body = nil, nil
	}
	c.request = c.request[:0]
	for i := range batch {
		e, t := &batch[i], &c.l.targets[i]
		switch {
		case e.Msg == nil: // it has its fate
			continue
		case !e.Msg.Claim():
			e.Done(driver.Unavailable, driver.ErrWithdrawn)
			continue
		case t.stream == "":
			e.Done(driver.Stored, nil)
			continue
		}
		c.append(e.Msg, t)
		sent = append(sent, *e)
	}
	if len(sent) == 0 {
		return false, false
	}
	return c.send(sent, by)
}

// append appends a message's command to the request.
func (c *caster) append(m *driver.Message, t *target) {
	if !c.l.d.cfg.PubSub {
		c.request = appendAdd(c.request, t.stream, t.missed != nil, m)
		return
	}
	c.body = appendNative(c.body[:0], m, c.l.name, c.l.number(t.stream))
	c.request = appendCommand(c.request, "publish", t.stream)
	c.request = append(append(appendHead(c.request, '$', len(c.body)), c.body...), '\r', '\n')
}

// send writes the request, which has these messages. When the turn is gone, all that belongs to it is another's.
func (c *caster) send(sent []sendqueue.Entry, by writer) (gone, reads bool) {
	f := c.flight
	ok, reads := f.depart(sent, by == writerWaiter)
	if !ok { // no byte has left, so another connection may take them
		c.l.queue.Unread(sent)
		return false, false
	}
	clear(sent)
	var err error
	if by == writerReader && len(c.request) > straightBytes { // it may wait for the server, and nobody reads meanwhile
		err = f.feed.write(c.request)
		if err == nil {
			err = f.feed.conn.SetWriteDeadline(time.Time{})
		}
	} else {
		_, err = f.feed.conn.Write(c.request)
	}
	gone, late := f.written(err)
	if !gone {
		c.late = late
	}
	return gone, reads
}

// number returns the number of the next message to a channel.
func (l *line) number(topic string) uint64 {
	if len(l.numbers) >= routesMost {
		clear(l.numbers)
	}
	l.numbers[topic]++
	return l.numbers[topic]
}

// primary fails where the server says that it is a replica.
func (f *feed) primary() error {
	raw, err := f.ask("hello")
	if err != nil {
		if isReply(err) && !isUnready(err) {
			return nil // not allowed to ask
		}
		return err
	}
	role := []byte("\r\nrole\r\n")
	if bytes.Contains(raw, role) && !bytes.Contains(raw, append(role, "$6\r\nmaster\r\n"...)) {
		return errReplica
	}
	return nil
}

// appendCommand writes the beginning of a command that has one more argument than args.
func appendCommand(b []byte, args ...string) []byte {
	b = appendHead(b, '*', len(args)+1)
	for _, a := range args {
		b = append(append(appendHead(b, '$', len(a)), a...), '\r', '\n')
	}
	return b
}
