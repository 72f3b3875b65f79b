package broken

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

func publishFaults() []Fault {
	return []Fault{
		sending("drops one message in a thousand", "publish/a stored message reaches every group, once", dropsOne),
		sending("swaps two messages of one key", "order/messages of one Send are stored in order", swapsTwo),
		sending("cuts times to milliseconds", "attributes/every attribute survives", cutsTimes),
		sending("loses what is not UTF-8", "attributes/every attribute survives", losesBytes),
		sending("writes what was withdrawn", "publish/a withdrawn message is never written", writesWithdrawn),
		sending("reads the body after Done", "publish/after Done the message is the caller's again", readsAfterDone),
		sending("delivers before the time", "inbox/a delayed inbox message never comes early", forgetsDelay),
		sending("queues without bound", "room/Send waits for room when too many messages are queued, and gives up with the cause of its context",
			queuesWithoutBound()),
		sending("waits for the answer in Send", "away/publishing waits for the broker and then completes in order", waitsForAnswer),
		ending("makes a publisher each time", "publish/the publisher is the same value each time", faults{
			publisher: func(c *conn) *publisher { return &publisher{Publisher: c.Driver.Publisher(), conn: c} },
		}),
		sending("ignores FailFast", "away/FailFast is Unavailable with ErrDisconnected at once", ignoresFailFast),
	}
}

type send = func(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result)

// sending is a fault in Send.
func sending(name, caught string, f send) Fault {
	return Fault{Name: name, Caught: caught, Wrap: func(good driver.Driver) driver.Driver { return wrap(good, faults{send: f}) }}
}

func dropsOne(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	for i, m := range msgs {
		c.mu.Lock()
		c.sends++
		drop := c.sends%1000 == 0
		c.mu.Unlock()
		if drop && m.Claim() {
			r.Done(i, driver.Stored, nil)
			continue
		}
		c.pub.Publisher.Send(ctx, to, msgs[i:i+1], done(func(_ int, fate driver.Fate, err error) { r.Done(i, fate, err) }))
	}
}

func swapsTwo(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	mixed, index := slices.Clone(msgs), make([]int, len(msgs))
	for i := range index {
		index[i] = i
	}
	for i := 1; i < len(mixed); i++ {
		if mixed[i].Key == mixed[i-1].Key {
			mixed[i], mixed[i-1] = mixed[i-1], mixed[i]
			index[i], index[i-1] = index[i-1], index[i]
			break
		}
	}
	c.pub.Publisher.Send(ctx, to, mixed, done(func(i int, fate driver.Fate, err error) { r.Done(index[i], fate, err) }))
}

// changed sends copies, honestly claimed, that change has been at.
func changed(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result, change func(m *driver.Message)) {
	for i, m := range msgs {
		one := clone(m)
		change(one)
		if m.Withdrawn() || !m.Claim() {
			r.Done(i, driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		c.pub.Publisher.Send(ctx, to, []*driver.Message{one}, done(func(_ int, fate driver.Fate, err error) { r.Done(i, fate, err) }))
	}
}

func cutsTimes(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	changed(ctx, c, to, msgs, r, func(m *driver.Message) { m.Time = m.Time.Truncate(time.Millisecond) })
}

func losesBytes(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	changed(ctx, c, to, msgs, r, func(m *driver.Message) { m.Body = []byte(string([]rune(string(m.Body)))) })
}

func forgetsDelay(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	changed(ctx, c, to, msgs, r, func(m *driver.Message) { m.NotBefore = time.Time{} })
}

func ignoresFailFast(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	changed(ctx, c, to, msgs, r, func(m *driver.Message) { m.FailFast = false })
}

func writesWithdrawn(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	copies := make([]*driver.Message, len(msgs))
	for i, m := range msgs {
		copies[i] = clone(m)
	}
	c.pub.Publisher.Send(ctx, to, copies, done(func(i int, fate driver.Fate, err error) {
		if !msgs[i].Claim() {
			fate, err = driver.Unavailable, driver.ErrWithdrawn
		}
		r.Done(i, fate, err)
	}))
}

// readsAfterDone tells the fate first and looks at the message then.
func readsAfterDone(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	c.mu.Lock()
	down := c.down
	c.mu.Unlock()
	if down {
		c.pub.Publisher.Send(ctx, to, msgs, r)
		return
	}
	for i, m := range msgs {
		r.Done(i, driver.Stored, nil)
		c.pub.Publisher.Send(ctx, to, []*driver.Message{m}, done(func(int, driver.Fate, error) {}))
	}
}

// queuesWithoutBound takes everything at once and lets a goroutine of its own wait for room.
func queuesWithoutBound() send {
	var mu sync.Mutex
	waiting := map[*conn][]func(){}
	drain := func(c *conn) {
		for {
			mu.Lock()
			if len(waiting[c]) == 0 {
				delete(waiting, c)
				mu.Unlock()
				return
			}
			next := waiting[c][0]
			mu.Unlock()
			next()
			mu.Lock()
			waiting[c] = waiting[c][1:]
			mu.Unlock()
		}
	}
	return func(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
		mu.Lock()
		defer mu.Unlock()
		waiting[c] = append(waiting[c], func() { c.pub.Publisher.Send(context.WithoutCancel(ctx), to, msgs, r) })
		if len(waiting[c]) == 1 {
			go drain(c)
		}
	}
}

func waitsForAnswer(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
	var wg sync.WaitGroup
	wg.Add(len(msgs))
	c.pub.Publisher.Send(ctx, to, msgs, done(func(i int, fate driver.Fate, err error) {
		r.Done(i, fate, err)
		wg.Done()
	}))
	wg.Wait()
}
