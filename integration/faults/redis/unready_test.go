package redis_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

// Row 32: the server starts again and takes seconds to read its file, answering LOADING. Nobody asks in a tight loop.
func TestLoadingServer(t *testing.T) {
	f := gather(t, 1)
	begin := func() {
		f.launch(0, "--appendonly", "yes", "--appenddirname", "aof-"+f.ports[0], "--enable-debug-command", "yes", "--key-load-delay", "500",
			"--loading-process-events-interval-bytes", "1024")
	}
	begin()
	l := f.busy("redis://"+f.addr(0), "")
	l.Await(200)
	f.cli(0, "debug", "populate", "6000", "filler", "100")
	f.cli(0, "bgrewriteaof")
	f.until(0, "aof_rewrite_in_progress:0", "info", "persistence")
	f.until(0, "aof_rewrite_scheduled:0", "info", "persistence")
	l.Hurt(func() {
		f.kill(0)
		begin()
		f.until(0, "loading:0", "info", "persistence")
	})
	l.Recover(10 * time.Second)
	const pings = 250 // of three drivers, each after a pause of 20 ms to 2 s
	if n := f.count(0, "errorstat_LOADING:count="); n < 1 || n > pings {
		t.Errorf("LOADING was answered %d times, want 1 to %d", n, pings)
	} else {
		t.Logf("LOADING was answered %d times", n)
	}
	l.Finish()
}

// count returns a number of INFO.
func (f *fleet) count(i int, name string) int {
	f.t.Helper()
	_, rest, _ := strings.Cut(f.cli(i, "info", "everything"), name)
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	n, err := strconv.Atoi(rest[:max(0, end)])
	if err != nil {
		return 0
	}
	return n
}

// Row 32: a stranger's script runs on and on, and the server answers BUSY.
func TestServerBusyWithAScript(t *testing.T) {
	b := own(t, brokers.Setting("busy-reply-threshold", "100"))
	l := busy(t, b, load.Config{})
	l.Await(200)
	l.Hurt(func() {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = b.Exec(t.Context(), "redis-cli", "EVAL", "while true do end", "0") // is killed
		}()
		if err := untilFails(l); !errors.Is(err, messaging.ErrUnavailable) && !errors.Is(err, messaging.ErrUnconfirmed) {
			t.Errorf("publish to a busy server: %v", err)
		}
		if !eventually(patience, func() bool { return cli(t, b, "SCRIPT", "KILL") == "OK" }) {
			t.Error("the script can't be ended")
		}
		<-ended
	})
	l.Recover(10 * time.Second)
	l.Finish()
}

// Row 32: the server can't save, and refuses writes with MISCONF. They are unavailable, and all is well when it can save again.
func TestServerThatCanNotSave(t *testing.T) {
	b := own(t, brokers.Setting("enable-protected-configs", "yes"))
	l := busy(t, b, load.Config{})
	l.Await(200)
	home := strings.TrimPrefix(cli(t, b, "CONFIG", "GET", "dir"), "dir\n")
	l.Hurt(func() {
		cli(t, b, "CONFIG", "SET", "save", "3600 1", "dir", "/proc")
		cli(t, b, "BGSAVE")
		if !eventually(patience, func() bool { return strings.Contains(cli(t, b, "INFO", "persistence"), "rdb_last_bgsave_status:err") }) {
			t.Fatal("the server can save")
		}
		if err := untilRefused(l); !errors.Is(err, messaging.ErrUnavailable) || !strings.Contains(err.Error(), "MISCONF") {
			t.Errorf("publish to a server that can't save: %v, want unavailable", err)
		}
		cli(t, b, "CONFIG", "SET", "save", "", "dir", home)
	})
	l.Recover(10 * time.Second)
	l.Finish()
}

// Row 35: what a member asked for never reaches it. It comes again, to the same member, in the order of each key, before anything new.
func TestReplyToAReadIsLost(t *testing.T) {
	b := own(t)
	line := network.New(t)
	var opened atomic.Int32
	l := busy(t, b, load.Config{Open: func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
		var d func(context.Context, string, string) (net.Conn, error)
		if opened.Add(1) == 2 { // the member; the publishers come first
			d = line.Dial
		}
		return open(ctx, b, d, opts...)
	}})
	l.Await(200)
	for range 3 {
		l.Hurt(func() {
			told := len(l.Notices(messaging.Disconnected))
			line.BlackHole(true, false)
			if !eventually(patience, func() bool { return len(l.Notices(messaging.Disconnected)) > told }) {
				t.Error("nobody notices")
			}
			line.Heal()
			line.Cut()
		})
		l.Recover(10 * time.Second)
	}
	l.Finish()
}

// Row 39: the machine dies and the file lacks its end. What was confirmed since then is gone, exactly that, and told by the class of this
// durability; what was finished since then comes again; and nobody waits for what the server has forgotten.
func TestRolledBack(t *testing.T) {
	f := gather(t, 2)
	dir, topic := f.dir+"/aof-"+f.ports[0], matrix.Topic()
	f.start(0, "--appendfsync", "no")
	l := f.busy("redis://"+f.addr(0), topic)
	l.Await(200)
	l.Undo(func() {
		f.exec("cp", "-r", dir, dir+"-before")
		l.Await(200)
		f.kill(0)
		f.exec("mv", dir, f.dir+"/aof-"+f.ports[1])
		f.exec("mv", dir+"-before", dir)
		f.start(0, "--appendfsync", "no")
	})
	l.Recover(10 * time.Second)
	l.Await(200)
	report := l.Drain()
	t.Log(report)
	f.start(1) // with the whole file
	had, has := f.ids(1, topic), f.ids(0, topic)
	gone(t, report.Lost, had, has)
	maps.DeleteFunc(had, func(id string, _ bool) bool { return has[id] })
	if len(had) == 0 {
		t.Error("nothing was rolled back")
	}
	report.Lost = nil
	if !report.OK() {
		t.Error(report)
	}
}
