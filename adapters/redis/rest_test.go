package redis_test

import (
	"context"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// waiting is a Result whose caller waits.
type waiting struct{ outcomes }

func (waiting) Waits() bool { return true }

// wait publishes one message, and waits for its fate.
func wait(t *testing.T, d *redis.Driver, m *driver.Message) outcome {
	t.Helper()
	w := waiting{make(outcomes, 1)}
	d.Publisher().Send(t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{m}, w)
	return <-w.outcomes
}

// heard notes who reads.
type heard struct {
	net.Conn
	byCaller *atomic.Int64
}

func (c heard) Read(p []byte) (int, error) {
	if strings.Contains(string(debug.Stack()), "(*caster).straight") {
		c.byCaller.Add(1)
	}
	return c.Conn.Read(p)
}

// reading opens a driver to a fake, and counts what callers read for themselves.
func reading(t *testing.T, f *fake) (*redis.Driver, *atomic.Int64) {
	t.Helper()
	n := new(atomic.Int64)
	return connect(t, f, func(c *redis.Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := f.dial(ctx, network, address)
			return heard{conn, n}, err
		}
	}), n
}

// anID is the answer to a command that adds an entry.
const anID = "$3\r\n1-0\r\n"

// One caller that publishes alone, again and again, reads the answers itself; with others beside it the reader does.
func TestACallerAloneReadsItsAnswer(t *testing.T) {
	t.Parallel()
	d, byCaller := reading(t, &fake{answer: withGroup(func([]string) string { return anID })})
	for range 200 {
		if got := wait(t, d, &driver.Message{}); got.fate != driver.Stored {
			t.Fatalf("%v: %v", got.fate, got.err)
		}
	}
	if byCaller.Load() == 0 {
		t.Error("of 200 answers, none was read by its caller")
	}
	publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{}, &driver.Message{}) // wakes the reader
	before := byCaller.Load()
	for range 10 {
		publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})
	}
	if n := byCaller.Load() - before; n != 0 {
		t.Errorf("%d answers were read by callers that do not wait", n)
	}
}

// An answer that takes long is left to the reader, so that Send comes back.
func TestACallerDoesNotReadForLong(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	end := make(chan struct{})
	d, byCaller := reading(t, &fake{answer: withGroup(func([]string) string {
		if slow.Load() {
			<-end
		}
		return anID
	})})
	for byCaller.Load() == 0 {
		wait(t, d, &driver.Message{})
	}
	slow.Store(true)
	w := waiting{make(outcomes, 1)}
	d.Publisher().Send(t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{{}}, w) // comes back without its fate
	select {
	case got := <-w.outcomes:
		t.Errorf("%v before it was answered", got.fate)
	default:
	}
	close(end)
	if got := <-w.outcomes; got.fate != driver.Stored {
		t.Errorf("%v: %v", got.fate, got.err)
	}
}

// What is cut while its caller reads is told once, and the next message finds another connection.
func TestACutIsToldToTheCallerThatReads(t *testing.T) {
	t.Parallel()
	var cut atomic.Bool
	d, byCaller := reading(t, &fake{answer: withGroup(func([]string) string {
		if cut.CompareAndSwap(true, false) {
			return ""
		}
		return anID
	})})
	for round := range 5 {
		for before := byCaller.Load(); byCaller.Load() == before; {
			if got := wait(t, d, &driver.Message{}); got.fate != driver.Stored {
				t.Fatalf("round %d: %v: %v", round, got.fate, got.err)
			}
		}
		cut.Store(true)
		if got := wait(t, d, &driver.Message{}); got.fate != driver.Unconfirmed {
			t.Errorf("round %d: what is cut is %v: %v", round, got.fate, got.err)
		}
	}
}

// Callers that come and go, alone and together, and cuts in between, leave every message one fate.
func TestCallersAloneAndTogether(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	d, _ := reading(t, &fake{tcp: true, answer: withGroup(func([]string) string {
		if n.Add(1)%97 == 0 {
			return ""
		}
		return anID
	})})
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for i := range 300 {
				if c > 0 && i%50 > 10 { // but for the first they come in bursts
					continue
				}
				w := waiting{make(outcomes, 2)}
				d.Publisher().Send(t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{{}}, w)
				got := <-w.outcomes
				if got.fate != driver.Stored && got.fate != driver.Unconfirmed {
					t.Errorf("%v: %v", got.fate, got.err)
				}
				if len(w.outcomes) > 0 {
					t.Error("a message has two fates")
				}
			}
		})
	}
	wg.Wait()
	ctx, end := context.WithTimeout(context.Background(), time.Minute)
	defer end()
	if err := d.Publisher().Close(ctx); err != nil {
		t.Error(err)
	}
}
