package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/history"
	"github.com/herald-go/herald/integration/load"
)

// Rows 1 to 11 of the matrix, which all brokers have in common.
func TestFaults(t *testing.T) {
	b := own(t)
	matrix.Run(t, matrix.Subject{Broker: b, Open: through(b), Silence: 2 * session})
}

// Row 30: the memory is full. What is refused is told as refused, consumers go on, and all is well when there is room.
func TestOutOfMemory(t *testing.T) {
	b := own(t)
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		cli(t, b, "CONFIG", "SET", "maxmemory", "1mb")
		if err := untilFails(l); !errors.Is(err, messaging.ErrUnavailable) {
			t.Errorf("publish to a full server: %v, want unavailable", err)
		}
		cli(t, b, "CONFIG", "SET", "maxmemory", "0")
	})
	l.Recover(5 * time.Second)
	l.Finish()
}

// Row 30: an eviction policy that may delete streams is refused when the broker is opened.
func TestEvictionPolicyIsRefused(t *testing.T) {
	b := own(t, brokers.Setting("maxmemory", "100mb"), brokers.Setting("maxmemory-policy", "allkeys-lru"))
	broker, err := open(t.Context(), b, nil)
	if err == nil {
		must(t, broker.Close(t.Context()))
	}
	if err == nil || !strings.Contains(err.Error(), "allkeys-lru") {
		t.Errorf("open: %v, want an error that names the policy", err)
	}
}

// Row 31: the server becomes a replica, which takes no writes, and a primary again.
func TestReadOnly(t *testing.T) {
	b := own(t)
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		cli(t, b, "REPLICAOF", "127.0.0.1", "1")
		if err := untilFails(l); err == nil {
			t.Error("a replica takes writes")
		}
		cli(t, b, "REPLICAOF", "NO", "ONE")
	})
	l.Recover(5 * time.Second)
	l.Finish()
}

// Row 32: the server is busy for a while.
func TestBusyServer(t *testing.T) {
	b := own(t, brokers.Setting("enable-debug-command", "yes"))
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() { cli(t, b, "DEBUG", "SLEEP", "4") })
	l.Recover(10 * time.Second)
	l.Finish()
}

// Rows 9 and 32: a command is forbidden in the middle of it all. The error names it and is final; all is well when it is allowed again.
func TestCommandForbidden(t *testing.T) {
	b := own(t)
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		cli(t, b, "ACL", "SETUSER", "default", "-xadd", "-eval", "-evalsha", "-fcall")
		if err := untilFails(l); !errors.Is(err, messaging.ErrDenied) {
			t.Errorf("publish without permission: %v, want denied", err)
		}
		cli(t, b, "ACL", "SETUSER", "default", "+@all")
	})
	l.Recover(10 * time.Second)
	l.Finish()
}

// untilFails publishes until the fault has reached the publisher.
func untilFails(l *load.Load) error {
	for range 200 {
		if _, err := l.Try(500 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Row 33: everything is deleted under the members. The group is made again, the gap is told, traffic goes on.
func TestFlushAll(t *testing.T) {
	destroyed(t, func(b *brokers.Broker, _ string) { cli(t, b, "FLUSHALL") })
}

// Row 33: the group is deleted under its members, who block. It begins again where it had finished everything at a member's last beat, so more than
// a window may come again.
func TestGroupDestroyed(t *testing.T) {
	report := destroyed(t, func(b *brokers.Broker, topic string) {
		if n := cli(t, b, "XGROUP", "DESTROY", "{"+topic+"}", "workers"); n != "1" {
			t.Errorf("destroyed %s groups", n)
		}
	})
	if len(report.Lost) > 0 {
		t.Errorf("nothing but the group was destroyed: %s", report)
	}
}

// Row 34: the stream is trimmed to nothing under its members.
func TestTrimmed(t *testing.T) {
	destroyed(t, func(b *brokers.Broker, topic string) { cli(t, b, "XTRIM", "{"+topic+"}", "MAXLEN", "0") })
}

// destroyed runs a fault that takes events away, or what the server knows of them.
func destroyed(t *testing.T, fault func(b *brokers.Broker, topic string)) history.Report {
	t.Helper()
	b := own(t)
	topic := matrix.Topic()
	l := busy(t, b, load.Config{Topic: topic, Drain: 5 * time.Second, Work: 5 * time.Millisecond, Keys: 64})
	l.Await(200)
	l.Hurt(func() { fault(b, topic) })
	l.Recover(10 * time.Second)
	report := l.Drain()
	lost := len(report.Lost)
	judged := report
	judged.Lost, judged.Unexplained = nil, nil // what the fault destroyed
	if !judged.OK() {
		t.Error(report)
	}
	gaps := l.Notices(messaging.Gap)
	if len(gaps) == 0 {
		t.Errorf("%d events are gone, and nobody was told of it", lost)
	}
	t.Logf("%d events destroyed, %d came again; told: %+v", lost, report.Duplicates, gaps)
	return report
}

// Row 36: handlers take three times as long as a member may be silent. No event is given to a second handler while the first one runs.
func TestSlowHandlersKeepTheirEvents(t *testing.T) {
	b := own(t)
	const short = time.Second
	l := busy(t, b, load.Config{
		Members: 2, Keys: 16, Work: 3 * short, Pause: 3 * short, Timeout: 10 * time.Second, Window: 16,
		Options: []messaging.SubscribeOption{messaging.Concurrency(8)},
		Open: func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
			cfg, err := redis.ParseURL(b.URL())
			must(t, err)
			cfg.Session = short
			return redis.OpenConfig(ctx, cfg, opts...)
		},
	})
	l.Await(24)
	if report := l.Finish(); report.Duplicates > 0 {
		t.Errorf("handlers ran twice: %s", report)
	}
}

// Row 39: the server is killed with an append-only file that nobody syncs; as its process alone died, the kernel has it all.
func TestKilledWithoutSync(t *testing.T) {
	b := own(t, brokers.Setting("appendfsync", "no"))
	l := busy(t, b, load.Config{})
	l.Await(500)
	l.Hurt(func() {
		must(t, b.Kill(t.Context()))
		must(t, b.Start(t.Context()))
	})
	l.Recover(5 * time.Second)
	l.Finish()
}

// A wrong password is an error at once, and not repeated in it.
func TestWrongPassword(t *testing.T) {
	b := own(t)
	cli(t, b, "CONFIG", "SET", "requirepass", "right-password")
	const canary = "wrong-canary-password"
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := redis.Open(ctx, "redis://:"+canary+"@"+b.Addr())
	if err == nil || ctx.Err() != nil || strings.Contains(err.Error(), canary) {
		t.Errorf("open with a wrong password: %v", err)
	}
}

// A topic whose key holds something else is refused with its name.
func TestKeyOfAnotherType(t *testing.T) {
	b := own(t)
	cli(t, b, "SET", "{occupied}", "a string")
	broker, err := open(t.Context(), b, nil)
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	nothing := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return nil })
	_, err = broker.Subscribe(t.Context(), "occupied", nothing, messaging.Group("g"))
	if err == nil || !strings.Contains(err.Error(), "occupied") {
		t.Errorf("subscribe: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := broker.Publish(ctx, "occupied", envelope.New("thing.done", []byte("{}"))); err == nil {
		t.Error("publish to a key of another type succeeds")
	}
}
