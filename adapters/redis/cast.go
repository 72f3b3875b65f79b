package redis

import (
	"bytes"
	"context"
	"errors"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// caster publishes to the channels of one server. Whoever has the turn writes: the caller of Send where nothing is under way and nothing
// waits, so that no other goroutine has to wake before the message leaves, else the line's goroutine. That one reads all answers.
type caster struct {
	l       *line
	turn    chan struct{}        // of capacity 1: who takes the value has the turn
	written chan sendqueue.Entry // of capacity 1: what a caller has written; the turn goes with it

	// What follows belongs to the turn.
	feed    *feed
	request []byte
	body    []byte
	one     [1]sendqueue.Entry
}

// straightBytes bounds what a caller writes by itself. It is less than what an idle connection takes without waiting.
const straightBytes = 4 << 10

func newCaster(l *line) *caster {
	c := &caster{l: l, turn: make(chan struct{}, 1), written: make(chan sendqueue.Entry, 1)}
	c.turn <- struct{}{}
	return c
}

// straight writes a message in its caller's goroutine, or does nothing and returns false.
func (c *caster) straight(to driver.Address, m *driver.Message, r driver.Result) bool {
	if m.Size() > straightBytes {
		return false
	}
	select {
	case <-c.turn:
	default:
		return false
	}
	if !c.stands() {
		c.turn <- struct{}{}
		return false
	}
	var ok bool
	if c.one[0], ok = c.l.queue.Straight(to, m, r); !ok {
		c.turn <- struct{}{}
		return false
	}
	if sent := c.write(c.one[:]); len(sent) > 0 {
		c.written <- sent[0]
		return true
	}
	c.turn <- struct{}{}
	return true
}

// run reads answers, and writes what waits, until ctx ends.
func (c *caster) run(ctx context.Context) {
	for {
		select {
		case e := <-c.written:
			if c.pass(e) {
				continue
			}
		case <-c.l.queue.Ready():
			select {
			case <-c.turn:
			case e := <-c.written:
				c.finish([]sendqueue.Entry{e})
			}
		case <-ctx.Done():
			c.end()
			return
		}
		for ctx.Err() == nil && c.l.queue.Len() > 0 {
			if c.l.d.link.await(ctx) != nil || !c.connect(ctx) {
				continue
			}
			c.l.batch = c.l.queue.Take(c.l.batch[:0], pipelineCount, pipelineBytes)
			c.finish(c.write(c.l.batch))
			clear(c.l.batch)
		}
		c.turn <- struct{}{}
	}
}

// end tells the last fates, and keeps the turn.
func (c *caster) end() {
	select {
	case <-c.turn:
	case e := <-c.written:
		c.finish([]sendqueue.Entry{e})
	}
	c.l.queue.Fail(driver.ErrClosed)
	c.drop()
}

// stands reports whether there is a connection that is not known to be cut.
func (c *caster) stands() bool { return c.feed != nil && c.l.client.wires.alive() }

// connect makes sure of it.
func (c *caster) connect(ctx context.Context) bool {
	if c.stands() {
		return true
	}
	c.drop()
	f, err := c.l.client.feed(ctx, c.l.d.cfg, "")
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
	c.feed = f
	return true
}

func (c *caster) drop() {
	if c.feed != nil {
		c.feed.close()
		c.feed = nil
	}
}

// write claims messages and writes them as one pipeline. It returns those that are on their way; the others have their fates.
func (c *caster) write(batch []sendqueue.Entry) (sent []sendqueue.Entry) {
	sent = batch[:0]
	c.request = c.request[:0]
	for i := range batch {
		e := &batch[i]
		m := e.Msg
		t, err := c.l.target(context.Background(), e) // asks nobody: a channel needs no looking up
		switch {
		case err != nil || t.stream == "":
			continue
		case !m.Claim():
			e.Done(driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		c.body = appendNative(c.body[:0], m, c.l.name, c.l.number(t.stream))
		c.request = appendCommand(c.request, "publish", t.stream)
		c.request = append(append(appendHead(c.request, '$', len(c.body)), c.body...), '\r', '\n')
		sent = append(sent, *e)
	}
	if len(sent) > 0 {
		if err := c.feed.write(c.request); err != nil {
			c.drop()
			c.l.d.link.trouble(err)
			lose(sent, err)
			sent = nil
		}
	}
	if cap(c.request) > pipelineBytes {
		c.request, c.body = nil, nil
	}
	return sent
}

// pass reads the answer to what a caller has written, and gives the turn back, where nothing waits, before it tells the fate: so the next
// message of that caller goes straight, too. It reports whether it did.
func (c *caster) pass(e sendqueue.Entry) bool {
	fate, err := c.answer(&e)
	free := c.l.queue.Len() == 0
	if free {
		c.turn <- struct{}{}
	}
	e.Done(fate, err)
	return free
}

// finish reads the answers.
func (c *caster) finish(sent []sendqueue.Entry) {
	for i := range sent {
		fate, err := c.answer(&sent[i])
		sent[i].Done(fate, err)
		if c.feed == nil {
			lose(sent[i+1:], errors.Unwrap(err))
			return
		}
	}
}

// lose tells the fates of messages whose answers will not come.
func lose(sent []sendqueue.Entry, err error) {
	for i := range sent {
		sent[i].Done(driver.Unconfirmed, fail("publish", sent[i].To.Topic, err))
	}
}

// answer reads one. Without it the connection is given up.
func (c *caster) answer(e *sendqueue.Entry) (driver.Fate, error) {
	raw, err := c.feed.next(c.feed.within)
	if err != nil {
		c.drop()
		c.l.d.link.trouble(err)
		return driver.Unconfirmed, fail("publish", e.To.Topic, err)
	}
	if err := asError(raw); err != nil {
		c.l.d.link.trouble(err)
		fate, why := fateOf(err)
		return fate, fail("publish", e.To.Topic, why)
	}
	heard, _, _ := length(raw, 0) // has been read whole
	if heard == 0 && e.To.Unrouted == driver.Refuse {
		return driver.Unroutable, errNobody
	}
	return driver.Stored, nil
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
