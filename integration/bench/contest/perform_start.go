package contest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// startup measures from before the contestant is opened until one event that it has published is handled.
func startup(ctx context.Context, c Contestant, t *Task, s *Sample) error {
	events := NewEvents(t)
	handled := make(chan struct{})
	came := sync.OnceFunc(func() { close(handled) })
	var m meter
	m.start()
	s.N = 1
	return using(ctx, c, t, events, func(session Session) error {
		reader := start(ctx, session, Consumption{Group: t.AllGroups()[0], Workers: 1, Handle: func([]byte) error { came(); return nil }})
		err := awaitReady(ctx, reader)
		if err == nil {
			err = session.Send(ctx, 0, 1)
		}
		if err == nil {
			err = await(ctx, handled, []*consumer{reader}, func() string { return "the first event did not come" })
		}
		m.stop(s)
		return errors.Join(err, reader.end())
	})
}

// reconnectRate is how many events a second are published while the consumer is away.
const reconnectRate = 200

// reconnect cuts the consumer's connections and measures until an event is handled that was published after that. The publisher has
// connections of its own, which stay.
func reconnect(ctx context.Context, c Contestant, t *Task, s *Sample) error {
	cutter := &cutter{}
	hurt := *t
	hurt.Dial = cutter.dial
	s.N = 1
	events := NewEvents(t)
	return using(ctx, c, t, events, func(publisher Session) error {
		return using(ctx, c, &hurt, events, func(session Session) error {
			return cutAndWait(ctx, publisher, session, cutter, t, events, s)
		})
	})
}

func cutAndWait(ctx context.Context, publisher, session Session, cutter *cutter, t *Task, events *Events, s *Sample) error {
	warm, back := make(chan struct{}), make(chan struct{})
	flows, resumed := sync.OnceFunc(func() { close(warm) }), sync.OnceFunc(func() { close(back) })
	var cutAt atomic.Int64
	reader := start(ctx, session, Consumption{Group: t.AllGroups()[0], Workers: 1, Handle: func(body []byte) error {
		flows()
		if at := cutAt.Load(); at != 0 && Stamp(body).UnixNano() > at {
			resumed()
		}
		return nil
	}})
	if err := awaitReady(ctx, reader); err != nil {
		return errors.Join(err, reader.end())
	}
	pacing, stop := context.WithCancel(ctx)
	paced := make(chan struct{})
	go func() { // waited for below
		defer close(paced)
		slow := *t
		slow.Rate = reconnectRate
		_ = pace(pacing, publisher, &slow, events, 1<<16)
	}()
	lost := func() string { return fmt.Sprintf("no event came after %d connections were cut", cutter.count.Load()) }
	err := await(ctx, warm, []*consumer{reader}, func() string { return "no event came" })
	if err == nil {
		var m meter
		m.start()
		cutAt.Store(time.Now().UnixNano())
		cutter.cut()
		err = await(ctx, back, []*consumer{reader}, lost)
		m.stop(s)
	}
	stop()
	<-paced
	return errors.Join(err, reader.end())
}

// cutter makes connections that can be reset all at once.
type cutter struct {
	mu    sync.Mutex
	conns []net.Conn
	count atomic.Int64
}

func (c *cutter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return conn, nil
}

// cut resets the connections that there are.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
		c.count.Add(1)
	}
	c.conns = nil
}
