package memory_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

func TestTheWindowIsExact(t *testing.T) {
	t.Parallel()
	size := message("1", "").Size()
	for name, narrow := range map[string]func(*driver.Spec){
		"count": func(s *driver.Spec) { s.Window = 3 },
		"bytes": func(s *driver.Spec) { s.WindowBytes = 3*size + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newServer(t, memory.Config{}).Connect()
			s := spec("orders", "billing")
			narrow(&s)
			m := join(t, d, s)
			publish(t, d, "orders", numbered(1, 9)...)
			held := m.take(3)
			m.nothing()
			m.settle(driver.Ack, held[1])
			equal(t, "room for one", idsOf(m.take(1)), span(4, 4))
			m.nothing()
		})
	}
}

func TestOneReceiveIsBoundedByBodies(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	m := join(t, d, spec("orders", "billing"))
	msgs := numbered(1, 5)
	for _, msg := range msgs {
		msg.Body = make([]byte, 100)
	}
	publish(t, d, "orders", msgs...)
	for _, want := range []struct{ most, bytes, n int }{{5, 250, 2}, {1, 250, 1}, {5, 10, 1}, {5, 100, 1}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		got, err := m.Receive(ctx, want.most, want.bytes)
		cancel()
		if err != nil || len(got) != want.n {
			t.Errorf("at most %d messages and %d bytes: %v, %v", want.most, want.bytes, idsOf(got), err)
		}
	}
}

func TestSettlingWakesAReceiveThatWaitsForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newServer(t, memory.Config{}).Connect()
		s := spec("orders", "billing")
		s.Window = 1
		m := join(t, d, s)
		publish(t, d, "orders", numbered(1, 2)...)
		held := m.take(1)
		time.AfterFunc(time.Second, func() { m.settle(driver.Ack, held...) })
		equal(t, "next", m.drain(1), span(2, 2))
	})
}

func TestReceiveEndsWithItsContextOrTheSubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newServer(t, memory.Config{}).Connect()
		m := join(t, d, spec("orders", "billing"))
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		if _, err := m.Receive(ctx, 1, 1); !errors.Is(err, cause) {
			t.Errorf("context: %v", err)
		}
		publish(t, d, "orders", numbered(1, 1)...)
		if _, err := m.Receive(ctx, 1, 1); !errors.Is(err, cause) {
			t.Errorf("an ended context: %v", err)
		}
		held := m.take(1)
		time.AfterFunc(time.Second, m.Stop)
		if _, err := m.Receive(t.Context(), 1, 1); !errors.Is(err, io.EOF) {
			t.Errorf("Stop: %v", err)
		}
		m.settle(driver.Ack, held...)
		m.leave()
		m.leave()
		join(t, d, spec("orders", "billing")).nothing()
	})
}
