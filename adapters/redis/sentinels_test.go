package redis_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// A primary that was replaced lives and takes writes: nothing goes to it once a sentinel names another one, and nobody has to ask for that.
func TestEverythingLeavesAPrimaryThatWasReplaced(t *testing.T) {
	t.Parallel()
	var second atomic.Bool // is the primary
	var taken [2]atomic.Int32
	var servers [2]*fake
	for i := range servers {
		servers[i] = &fake{answer: withGroup(func([]string) string {
			taken[i].Add(1)
			return bulk("1-0")
		})}
	}
	sentinel := &fake{answer: func(args []string) string {
		switch strings.ToLower(args[0]) {
		case "sentinel":
			if second.Load() {
				return "*2\r\n$6\r\nsecond\r\n$1\r\n1\r\n"
			}
			return "*2\r\n$5\r\nfirst\r\n$1\r\n1\r\n"
		case "subscribe":
			return "*3\r\n$9\r\nsubscribe\r\n" + bulk(args[1]) + ":1\r\n*3\r\n$9\r\nsubscribe\r\n" + bulk(args[2]) + ":2\r\n"
		default:
			return "+PONG\r\n"
		}
	}}
	arrived := make(chan struct{}, 1)
	d := connect(t, servers[0], func(c *redis.Config) {
		c.Addresses, c.Master = []string{"sentinel:26379"}, "main"
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			switch address {
			case "first:1":
				return servers[0].dial(ctx, network, address)
			case "second:1":
				select {
				case arrived <- struct{}{}:
				default:
				}
				return servers[1].dial(ctx, network, address)
			default:
				return sentinel.dial(ctx, network, address)
			}
		}
	})
	to := driver.Address{Topic: "orders"}
	if got := publish(t, d, to, &driver.Message{ID: "1"}); got[0].fate != driver.Stored {
		t.Fatalf("publish: %+v", got[0])
	}
	second.Store(true)
	select {
	case <-arrived:
	case <-time.After(time.Minute):
		t.Fatal("nobody goes to the new primary")
	}
	if got := publish(t, d, to, &driver.Message{ID: "2"}, &driver.Message{ID: "3"}); got[0].fate != driver.Stored || got[1].fate != driver.Stored {
		t.Errorf("publish: %+v", got)
	}
	if a, b := taken[0].Load(), taken[1].Load(); a != 1 || b != 2 {
		t.Errorf("the first took %d and the second %d, want 1 and 2", a, b)
	}
}
