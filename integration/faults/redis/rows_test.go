package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
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
		if err := untilRefused(l); !errors.Is(err, messaging.ErrUnavailable) {
			t.Errorf("publish to a full server: %v, want unavailable", err)
		}
		cli(t, b, "CONFIG", "SET", "maxmemory", "0")
	})
	l.Recover(5 * time.Second)
	l.Finish()
}

// Row 10: the disk is full. The server takes no writes; Publish says so, nothing that was acked is lost, and all is well when there is room. The
// container's shared memory is a disk of 64 MiB; a process of this machine has none that could be filled.
func TestDiskFull(t *testing.T) {
	const disk = "/dev/shm"
	b := own(t, brokers.Setting("enable-protected-configs", "yes"), brokers.Setting("appendfsync", "everysec"))
	if b.Origin() == "local" {
		t.Skip("no small disk to fill without Docker")
	}
	shell := func(command string) {
		if out, err := b.Exec(t.Context(), "sh", "-c", command); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	cli(t, b, "CONFIG", "SET", "appendonly", "no") // it can't be moved while it is written
	cli(t, b, "CONFIG", "SET", "dir", disk)
	cli(t, b, "CONFIG", "SET", "appendonly", "yes")
	written := func() bool { // the file is begun, and the server minds its disk
		state := cli(t, b, "INFO", "persistence")
		return strings.Contains(state, "aof_rewrite_in_progress:0") && strings.Contains(state, "aof_rewrite_scheduled:0")
	}
	if !eventually(patience, written) {
		t.Fatal("the server does not begin its file")
	}
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		shell("dd if=/dev/zero of=" + disk + "/fill bs=64k; test -s " + disk + "/fill")
		if err := untilRefused(l); !errors.Is(err, messaging.ErrUnavailable) || !strings.Contains(err.Error(), "MISCONF") {
			t.Errorf("publish to a server whose disk is full: %v, want unavailable for MISCONF", err)
		}
		shell("rm " + disk + "/fill")
	})
	l.Recover(10 * time.Second)
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
		if err := untilRefused(l); !errors.Is(err, messaging.ErrDenied) {
			t.Errorf("publish without permission: %v, want denied", err)
		}
		cli(t, b, "ACL", "SETUSER", "default", "+@all")
	})
	l.Recover(10 * time.Second)
	l.Finish()
}

// untilFails publishes until the fault has reached the publisher, who may learn of it by an answer that does not come.
func untilFails(l *load.Load) error { return until(l, 500*time.Millisecond) }

// untilRefused is untilFails where the server answers, however late: what is not answered in time tells nothing of it.
func untilRefused(l *load.Load) error { return until(l, atOnce) }

func until(l *load.Load, limit time.Duration) error {
	for began := time.Now(); time.Since(began) < patience; {
		if _, err := l.Try(limit); err != nil {
			return err
		}
	}
	return nil
}

// Row 33: everything is deleted under the members. The group is made again, the gap is told, traffic goes on. Nothing comes again beyond what
// was in hand.
func TestFlushAll(t *testing.T) {
	destroyed(t, load.Config{Work: 5 * time.Millisecond, Keys: 64}, func(b *brokers.Broker, _ string) { cli(t, b, "FLUSHALL") })
}

// Row 33: the group is deleted under its members, who block. It begins again where it had finished everything at a member's last beat, a second
// before at most: so much comes again. Eight publishers that rest for 40 ms make less than a window of that.
func TestGroupDestroyed(t *testing.T) {
	slow := load.Config{Work: 5 * time.Millisecond, Keys: 8, Pause: 40 * time.Millisecond, Drain: patience}
	report, _ := destroyed(t, slow, func(b *brokers.Broker, topic string) {
		stream, registry := "{"+topic+"}", "{"+topic+"}:"+driver.Name(driver.KindGroup, topic, "workers")
		if !eventually(patience, func() bool { return cli(t, b, "EVAL", destroyAfterABeat, "2", stream, registry) == "1" }) {
			t.Error("the group is not destroyed")
		}
	})
	if len(report.Lost) > 0 || report.Duplicates == 0 {
		t.Errorf("nothing but the group was destroyed, and its last second comes again: %s", report)
	}
}

// destroyAfterABeat destroys a group that has finished something since the last beat of its members, and returns 1; else it does nothing.
const destroyAfterABeat = `
local from, unfinished = string.match(redis.call('HGET', KEYS[2], 'stand') or '', '^(%S+) (%d)')
if not from then return 0 end
if unfinished == '0' then from = '(' .. from end
local group, last = redis.call('XINFO', 'GROUPS', KEYS[1])[1], nil
for i = 1, #group, 2 do if group[i] == 'last-delivered-id' then last = group[i + 1] end end
if #redis.call('XRANGE', KEYS[1], from, last) <= redis.call('XPENDING', KEYS[1], 'workers')[1] then return 0 end
return redis.call('XGROUP', 'DESTROY', KEYS[1], 'workers')`

// Row 34: the stream is trimmed to nothing under its members, who are behind. Each tells exactly how much is gone, and nothing comes again
// beyond what was in hand.
func TestTrimmed(t *testing.T) {
	behind := load.Config{Work: 100 * time.Millisecond, Keys: 64, Pause: 100 * time.Millisecond, Window: 32} // handlers can do half of that
	report, gaps := destroyed(t, behind, func(b *brokers.Broker, topic string) {
		cli(t, b, "XTRIM", "{"+topic+"}", "MAXLEN", "0")
	})
	told := int64(0)
	for _, gap := range gaps {
		told += gap.Count
	}
	n, twice := int64(len(report.Lost)), int64(report.Unknown) // what was not answered in time may stand in the stream twice
	if n == 0 || told < 2*n || told > 2*(n+twice) {
		t.Errorf("%d events were trimmed, and both members together told of %d", n, told)
	}
}

// destroyed runs a fault that takes events away, or what the server knows of them: what is lost is told, and what comes again has a cause.
func destroyed(t *testing.T, cfg load.Config, fault func(b *brokers.Broker, topic string)) (history.Report, []messaging.Notice) {
	t.Helper()
	b := own(t)
	cfg.Topic, cfg.Members = matrix.Topic(), 2
	if cfg.Drain == 0 {
		cfg.Drain = 10 * time.Second // what is gone never comes
	}
	l := busy(t, b, cfg)
	l.Await(500) // some beats long
	l.Hurt(func() { fault(b, cfg.Topic) })
	l.Recover(10 * time.Second)
	report := l.Drain()
	judged := report
	judged.Lost = nil // what the fault destroyed
	if !judged.OK() {
		t.Error(report)
	}
	gaps := l.Notices(messaging.Gap)
	if len(gaps) == 0 {
		t.Errorf("%d events are gone, and nobody was told of it", len(report.Lost))
	}
	t.Logf("%d events destroyed, %d came again; told: %+v", len(report.Lost), report.Duplicates, gaps)
	return report, gaps
}

// Row 36: handlers take twice as long as a member may be silent. No event is given to a second handler while the first one runs. A machine that
// stands still for so long that a member has been silent shows nothing, and does not do so each time.
func TestSlowHandlersKeepTheirEvents(t *testing.T) {
	b := own(t)
	for range 3 {
		l := busy(t, b, load.Config{
			Members: 2, Keys: 16, Work: 2 * session, Pause: 2 * session, Timeout: 10 * time.Second, Window: 16,
			Options: []messaging.SubscribeOption{messaging.Concurrency(8)},
			Open: func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
				cfg, err := redis.ParseURL(b.URL())
				must(t, err)
				cfg.Session = session
				return redis.OpenConfig(ctx, cfg, opts...)
			},
		})
		l.Await(24)
		report := l.Drain()
		if report.OK() && report.Duplicates == 0 {
			return
		}
		silent := l.Notices(messaging.Disconnected)
		t.Logf("handlers ran twice: %s; told before: %+v", report, silent)
		if len(silent) == 0 {
			t.Fatal("handlers ran twice though their members were never silent")
		}
	}
	t.Error("handlers run twice")
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
	ctx, cancel := context.WithTimeout(t.Context(), atOnce)
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
