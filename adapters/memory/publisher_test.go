package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

var orders = driver.Address{Topic: "orders"}

func TestWhileDisconnectedMessagesWaitInOrder(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{})
	d := server.Connect()
	m := join(t, d, spec("orders", "billing"))
	server.Disconnect()
	msgs := numbered(1, 5)
	msgs[1].FailFast = true
	f := send(t, d, orders, msgs...)
	equal(t, "while disconnected", f.list(5), []driver.Fate{0, driver.Unavailable, 0, 0, 0})
	if !errors.Is(f.reason(1), driver.ErrDisconnected) {
		t.Errorf("fail fast: %v", f.reason(1))
	}
	if !msgs[3].Withdraw() {
		t.Error("a waiting message can't be withdrawn")
	}
	more := send(t, d, orders, numbered(6, 7)...)
	server.Reconnect()
	equal(t, "first", f.list(5), []driver.Fate{driver.Stored, driver.Unavailable, driver.Stored, driver.Unavailable, driver.Stored})
	equal(t, "second", more.list(2), []driver.Fate{driver.Stored, driver.Stored})
	if !errors.Is(f.reason(3), driver.ErrWithdrawn) {
		t.Errorf("withdrawn: %v", f.reason(3))
	}
	publish(t, d, "orders", numbered(8, 8)...)
	equal(t, "what comes", m.drain(6), []string{"1", "3", "5", "6", "7", "8"})
	m.nothing()
}

func TestTheQueueIsBoundedByCountAndBytes(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]memory.Config{"count": {Queue: 3}, "bytes": {QueueBytes: 3 * message("1", "").Size()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t, cfg)
				d := server.Connect()
				m := join(t, d, spec("orders", "billing"))
				server.Disconnect()
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("patience"))
				defer cancel()
				var f fates
				began := time.Now()
				d.Publisher().Send(ctx, orders, numbered(1, 5), &f)
				if waited := time.Since(began); waited != time.Minute {
					t.Errorf("Send waited %v, want the minute of its context", waited)
				}
				equal(t, "fates", f.list(5), []driver.Fate{0, 0, 0, driver.Unavailable, driver.Unavailable})
				if fmt.Sprint(f.reason(3)) != "patience" {
					t.Errorf("reason: %v", f.reason(3))
				}
				server.Reconnect()
				equal(t, "what comes", m.drain(3), span(1, 3))
			})
		})
	}
}

func TestRoomComesFromWithdrawingAndFromReconnecting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, memory.Config{Queue: 2})
		d := server.Connect()
		m := join(t, d, spec("orders", "billing"))
		server.Disconnect()
		first := numbered(1, 2)
		early := send(t, d, orders, first...)
		var f fates
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			d.Publisher().Send(t.Context(), orders, numbered(3, 6), &f)
		}()
		synctest.Wait()
		first[0].Withdraw()
		time.Sleep(time.Second)
		equal(t, "withdrawn", early.list(2), []driver.Fate{driver.Unavailable, 0})
		server.Reconnect()
		<-sent
		equal(t, "fates", f.list(4), []driver.Fate{driver.Stored, driver.Stored, driver.Stored, driver.Stored})
		equal(t, "what comes", m.drain(5), span(2, 6))
	})
}

func TestClosingAPublisherWaitsForWhatItTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, memory.Config{})
		d, other := server.Connect(), server.Connect()
		m := join(t, other, spec("orders", "billing"))
		server.Disconnect()
		f := send(t, d, orders, numbered(1, 2)...)
		lost := send(t, other, orders, numbered(3, 3)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = other.Publisher().Close(ctx)
		equal(t, "given up", lost.list(1), []driver.Fate{driver.Unavailable})
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			_ = d.Publisher().Close(t.Context())
		}()
		synctest.Wait()
		refused := send(t, d, orders, numbered(4, 4)...)
		if !errors.Is(refused.reason(0), driver.ErrClosed) {
			t.Errorf("after Close: %v", refused.reason(0))
		}
		server.Reconnect()
		<-closed
		equal(t, "waited for", f.list(2), []driver.Fate{driver.Stored, driver.Stored})
		equal(t, "what comes", m.drain(2), span(1, 2))
		m.nothing()
	})
}

func TestClosingADriverGivesUpWhatWaits(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{})
	d := server.Connect()
	m := join(t, d, spec("orders", "billing"))
	server.Disconnect()
	f := send(t, d, orders, numbered(1, 2)...)
	for range 2 {
		if err := d.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "fates", f.list(2), []driver.Fate{driver.Unavailable, driver.Unavailable})
	if _, err := d.Subscribe(t.Context(), spec("orders", "billing")); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("Subscribe after Close: %v", err)
	}
	if _, err := m.Receive(t.Context(), 1, 1); err == nil {
		t.Error("Receive after Close: no error")
	}
}

func TestTooLargeIsCountedInAllBytes(t *testing.T) {
	t.Parallel()
	m := message("1", "")
	d := newServer(t, memory.Config{MaxMessage: m.Size()}).Connect()
	join(t, d, spec("orders", "billing"))
	large := message("2", "")
	large.Headers = []driver.Header{{Key: "a"}}
	equal(t, "fates", send(t, d, orders, m, large).list(2), []driver.Fate{driver.Stored, driver.TooLarge})
}

func TestUnroutedPoliciesWithABroadcast(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	m := join(t, d, spec("orders", ""))
	for policy, want := range map[driver.Unrouted]driver.Fate{driver.Refuse: driver.Unroutable, driver.Drop: driver.Stored} {
		got := send(t, d, driver.Address{Topic: "orders", Unrouted: policy}, message("1", "")).list(1)
		equal(t, fmt.Sprint("policy ", policy), got, []driver.Fate{want})
	}
	equal(t, "the broadcast still gets what is dropped", m.drain(1), span(1, 1))
	m.nothing()
}
