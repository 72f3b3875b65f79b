package redis

import (
	"bytes"
	"context"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// caster publishes to the channels of one server. Whoever has the turn writes: the caller of Send where nothing is on its way and nothing
// waits, so that no other goroutine has to wake before the message leaves; the flight's reader where answers have come and more waits; else
// the line's goroutine. The turn goes with what was written, and is free again when all of it is answered.
type caster struct {
	l    *line
	turn chan struct{} // of capacity 1: who takes the value has the turn

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
	c := &caster{l: l, turn: make(chan struct{}, 1)}
	c.free()
	return c
}

// free gives the turn back.
func (c *caster) free() { c.turn <- struct{}{} }

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
	if c.flight == nil || !c.flight.stands() {
		c.free()
		return false
	}
	var ok bool
	if c.one[0], ok = c.l.queue.Straight(to, m, r); !ok {
		c.free()
		return false
	}
	if !c.write(c.one[:], false) {
		c.release()
	}
	return true
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
			if c.more(false) {
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
	if c.flight, err = newFlight(f); err != nil {
		c.l.d.link.trouble(err)
		return false
	}
	go c.listen(c.flight) // drop waits for it
	return true
}

func (c *caster) drop() {
	if c.flight != nil {
		c.flight.feed.close()
		<-c.flight.ended
		c.flight = nil
	}
}

// more writes what waits, as much as one pipeline takes, and reports whether the turn has gone with it.
func (c *caster) more(reads bool) bool {
	c.l.batch = c.l.queue.Take(c.l.batch[:0], pipelineCount, pipelineBytes)
	return c.write(c.l.batch, reads)
}

// write claims messages and writes them as one pipeline; reads is whether the caller is who reads the answers. It reports whether any is on its
// way: then the turn goes with it. The others have their fates.
func (c *caster) write(batch []sendqueue.Entry, reads bool) bool {
	sent := batch[:0]
	if cap(c.request) > pipelineBytes {
		c.request, c.body = nil, nil
	}
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
	if len(sent) == 0 {
		return false
	}
	return c.send(sent, reads)
}

// send writes the request, which has these messages. When the turn is gone, all that belongs to it is another's.
func (c *caster) send(sent []sendqueue.Entry, reads bool) (gone bool) {
	f := c.flight
	if !f.depart(sent) { // no byte has left, so another connection may take them
		c.l.queue.Unread(sent)
		return false
	}
	clear(sent)
	var err error
	if reads && len(c.request) > straightBytes { // it may wait for the server, and nobody reads meanwhile
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
	return gone
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
