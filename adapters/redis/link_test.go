package redis_test

import (
	"context"
	"errors"
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

// timed keeps when a driver told what.
type timed struct {
	mu  sync.Mutex
	all []driver.NoticeKind
	at  []time.Time
}

func (n *timed) add(one driver.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all, n.at = append(n.all, one.Kind), append(n.at, time.Now())
}

// socket says of a pipe that was closed here what a socket says.
type socket struct{ net.Conn }

func (c socket) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, asSocket(err)
}

func (c socket) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, asSocket(err)
}

func asSocket(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return net.ErrClosed
	}
	return err
}

// A cut is met by whoever uses a connection, while the link's own waits in a read: that must not be waited for.
func TestTheFirstTryAfterACutIsMadeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func([]string) string { return "" }}
		d := connect(t, f, func(cfg *redis.Config) {
			cfg.PubSub = true
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := f.dial(ctx, network, address)
				return socket{conn}, err
			}
		})
		defer func() {
			_ = d.Close(t.Context())
			f.leave(true)
		}()
		n := &timed{}
		d.Notify(n.add)
		for range 3 {
			time.Sleep(time.Second / 2) // what is under way ends before
			if got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})[0]; got.fate != driver.Unconfirmed {
				t.Errorf("a message whose connection is cut is %v", got.fate)
			}
		}
		time.Sleep(time.Second / 2)
		n.mu.Lock()
		defer n.mu.Unlock()
		const on, off = driver.Connected, driver.Disconnected
		if want := []driver.NoticeKind{on, off, on, off, on, off, on}; !slices.Equal(n.all, want) {
			t.Fatalf("told %v, want %v", n.all, want)
		}
		for cut, most := range []time.Duration{0, 40 * time.Millisecond, 0} { // one cut a second is not paused for
			if took := n.at[2*cut+2].Sub(n.at[2*cut+1]); took > most || most > 0 && took == 0 {
				t.Errorf("after cut %d it takes %v to be back, want at most %v", cut, took, most)
			}
		}
	})
}
