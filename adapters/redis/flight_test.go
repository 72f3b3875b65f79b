package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// publishing is a server that keeps the connections that something was published on, in the order of their first message.
type publishing struct {
	fake
	refuse func(n int) error // set: asked before the n-th message is written, from 0

	mu    sync.Mutex
	n     int
	conns []net.Conn
}

// reluctant is a connection whose writes can be refused.
type reluctant struct {
	net.Conn
	of *publishing
}

func (c reluctant) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("publish")) {
		c.of.mu.Lock()
		n := c.of.n
		c.of.n++
		c.of.mu.Unlock()
		if err := c.of.refuse(n); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

func (p *publishing) note(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.conns, c) {
		p.conns = append(p.conns, c)
	}
}

func (p *publishing) used() []net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.conns)
}

// open opens a driver whose answers must come within a time, and returns what it tells.
func (p *publishing) open(t *testing.T, within time.Duration) (*redis.Driver, *notices) {
	t.Helper()
	p.asked = p.note
	d := connect(t, &p.fake, func(c *redis.Config) {
		c.PubSub, c.Timeout = true, within
		if p.refuse == nil {
			return
		}
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := p.dial(ctx, network, address)
			return reluctant{conn, p}, err
		}
	})
	n := &notices{}
	d.Notify(n.add)
	return d, n
}

type notices struct {
	mu  sync.Mutex
	all []driver.NoticeKind
}

func (n *notices) add(one driver.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, one.Kind)
}

func (n *notices) want(t *testing.T, want ...driver.NoticeKind) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.all, want) {
		t.Errorf("told %v, want %v", n.all, want)
	}
}

// told keeps the fates of messages, and fails where one has two.
type told struct {
	t     *testing.T
	mu    sync.Mutex
	fates map[string]driver.Fate
	left  sync.WaitGroup
}

type toldOf struct {
	*told
	id string
}

func (o toldOf) Done(_ int, fate driver.Fate, _ error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if was, known := o.fates[o.id]; known {
		o.t.Errorf("message %s is %v, then %v", o.id, was, fate)
	}
	o.fates[o.id] = fate
	o.left.Done()
}

// send publishes messages one by one and waits for none.
func (o *told) send(d *redis.Driver, ids ...string) {
	for _, id := range ids {
		o.left.Add(1)
		d.Publisher().Send(o.t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{{ID: id}}, toldOf{o, id})
	}
}

func (o *told) want(want map[string]driver.Fate) {
	o.t.Helper()
	o.left.Wait()
	if fmt.Sprint(o.fates) != fmt.Sprint(want) {
		o.t.Errorf("fates are %v, want %v", o.fates, want)
	}
}

func idOf(args []string) string {
	m, _, _ := redis.DecodeNative([]byte(args[2]))
	return m.ID
}

func TestWhatIsWrittenIsUnconfirmedAndWhatWaitsIsKeptWhenTheConnectionFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		within time.Duration
		answer func(end <-chan struct{}) string
	}{
		"the answer is late":          {200 * time.Millisecond, func(end <-chan struct{}) string { <-end; return "" }},
		"cut before the answer":       {time.Minute, func(<-chan struct{}) string { return "" }},
		"an answer that is none":      {time.Minute, func(<-chan struct{}) string { return "?\r\n" }},
		"an answer to something else": {time.Minute, func(<-chan struct{}) string { return "+OK\r\n" }},
		"a push":                      {time.Minute, func(<-chan struct{}) string { return "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n" }},
		"a number that is none":       {time.Minute, func(<-chan struct{}) string { return ":1-\r\n" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { connectionFails(t, c.within, c.answer) })
		})
	}
}

// connectionFails publishes over a connection that fails as a message's answer says, while others wait.
func connectionFails(t *testing.T, within time.Duration, answer func(end <-chan struct{}) string) {
	asked, sent, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var came []string // one connection at a time
	p := &publishing{fake: fake{answer: func(args []string) string {
		id := idOf(args)
		came = append(came, id)
		if id != "lost" {
			return ":1\r\n"
		}
		close(asked)
		<-sent
		return answer(end)
	}}}
	d, _ := p.open(t, within)
	defer func() {
		close(end)
		_ = d.Close(t.Context())
		p.leave(true)
	}()
	o := &told{t: t, fates: map[string]driver.Fate{}}
	o.send(d, "first")
	o.left.Wait()
	o.send(d, "lost")
	<-asked
	o.send(d, "a", "b", "c")
	close(sent)
	o.want(map[string]driver.Fate{
		"first": driver.Stored, "lost": driver.Unconfirmed, "a": driver.Stored, "b": driver.Stored, "c": driver.Stored,
	})
	if want := []string{"first", "lost", "a", "b", "c"}; !slices.Equal(came, want) {
		t.Errorf("came %v, want %v", came, want)
	}
	if n := len(p.used()); n != 2 {
		t.Errorf("published on %d connections, want another one after the failure", n)
	}
}

func TestAnAnswerThatNobodyAskedForIsNotTheNextMessages(t *testing.T) {
	t.Parallel()
	p := &publishing{fake: fake{answer: func([]string) string { return ":1\r\n:0\r\n" }}}
	d, n := p.open(t, time.Minute)
	for i := range 3 {
		if got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})[0]; got.fate != driver.Stored {
			t.Errorf("message %d is %v: %v", i, got.fate, got.err)
		}
	}
	if n := len(p.used()); n != 3 {
		t.Errorf("published on %d connections, want one for each message", n)
	}
	n.want(t, driver.Connected)
}

func TestAWriteThatFailsLeavesOneFateToEachMessage(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	p := &publishing{fake: fake{answer: func([]string) string { return ":1\r\n" }}}
	p.refuse = func(n int) error {
		if n == 1 {
			return broken
		}
		return nil
	}
	d, _ := p.open(t, time.Minute)
	for i, want := range []driver.Fate{driver.Stored, driver.Unconfirmed, driver.Stored} {
		got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})[0]
		if got.fate != want || (want != driver.Stored) != errors.Is(got.err, broken) {
			t.Errorf("message %d is %v (%v), want %v", i, got.fate, got.err, want)
		}
	}
}

func TestAnIdlePublisherIsCutWithoutALossAndWithoutANotice(t *testing.T) {
	t.Parallel()
	p := &publishing{fake: fake{answer: func([]string) string { return ":1\r\n" }, tcp: true}}
	d, n := p.open(t, time.Minute)
	for i := range 3 {
		if got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})[0]; got.fate != driver.Stored {
			t.Errorf("message %d is %v: %v", i, got.fate, got.err)
		}
		far, _ := p.used()[i].(*net.TCPConn)
		_ = far.CloseWrite()   // as servers do with what is idle
		_, _ = io.ReadAll(far) // until the driver has closed it, too
	}
	n.want(t, driver.Connected)
}

func TestAnIdleConnectionOutlivesItsTimeOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &publishing{fake: fake{answer: func([]string) string { return ":1\r\n" }}}
		d, n := p.open(t, time.Second)
		for i := range 4 {
			if got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})[0]; got.fate != driver.Stored {
				t.Errorf("message %d is %v: %v", i, got.fate, got.err)
			}
			time.Sleep([]time.Duration{600, 900, 400, 0}[i] * time.Millisecond) // deadlines that stand from earlier pass on the way
		}
		if n := len(p.used()); n != 1 {
			t.Errorf("published on %d connections, want 1", n)
		}
		n.want(t, driver.Connected)
		_ = d.Close(t.Context())
		p.leave(true)
	})
}
