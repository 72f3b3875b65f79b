package rabbitmq_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// steady is a connection over which a delivery comes every so often.
type steady struct {
	net.Conn
	piece []byte
	every func(i int) time.Duration // until delivery i
	left  int
	came  int
	next  time.Time
	reads int
	late  time.Duration // how long a delivery has waited to be read, at most
}

// Read waits for the next delivery, and brings all that have come.
func (s *steady) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.reads++
	if s.next.IsZero() {
		s.next = time.Now()
	}
	time.Sleep(time.Until(s.next))
	s.late = max(s.late, time.Since(s.next))
	n := 0
	for s.left > 0 && !s.next.After(time.Now()) && n+len(s.piece) <= len(p) {
		n += copy(p[n:], s.piece)
		s.left--
		s.came++
		s.next = s.next.Add(s.every(s.came))
	}
	return n, nil
}

// What comes densely is read by the dozen, unless the window is too small to wait for that; else nothing waits.
func TestTheSplitterLetsGatherWhatComesDensely(t *testing.T) {
	const events, ms = 2000, time.Millisecond
	each := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	for name, c := range map[string]struct {
		every       func(int) time.Duration
		prefetch    int
		least, most int // reads
		late        time.Duration
	}{
		"50,000 a second":                    {each(20 * time.Microsecond), 1000, 200, 250, rabbitmq.GatherPause},
		"50,000 a second, in a small window": {each(20 * time.Microsecond), 100, events, events, 0},
		"10,000 a second":                    {each(100 * time.Microsecond), 1000, events, events, 0},
		"one at a time after so many": {func(i int) time.Duration {
			if i < rabbitmq.GatherCount {
				return time.Microsecond
			}
			return 5 * ms
		}, 1000, events - rabbitmq.GatherCount, events, rabbitmq.GatherPause},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				piece := rabbitmq.Deliver(1, "ours", 5, "orders", "k", &driver.Message{ID: "1"})
				conn := &steady{piece: piece, every: c.every, left: events}
				split := rabbitmq.NewSplit(conn)
				split.Prefetch(c.prefetch)
				for buf := make([]byte, 100); ; {
					if _, err := split.Read(buf); errors.Is(err, io.EOF) { // anything else is a heartbeat for amqp091
						break
					}
				}
				if n := len(split.Messages()); n != events {
					t.Errorf("%d of %d events have come", n, events)
				}
				if conn.reads < c.least || conn.reads > c.most {
					t.Errorf("%d reads, want %d to %d", conn.reads, c.least, c.most)
				}
				if conn.late > c.late {
					t.Errorf("an event waited for %v, want at most %v", conn.late, c.late)
				}
			})
		})
	}
}
