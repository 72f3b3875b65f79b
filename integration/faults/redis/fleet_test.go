package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/history"
	"github.com/herald-go/herald/integration/load"
)

// fleet is several servers beside one that a test owns: they know each other by the addresses by which the test knows them.
type fleet struct {
	t     *testing.T
	b     *brokers.Broker
	ports []string
	dir   string // as the servers see it
}

// gather makes room for n servers and starts none.
func gather(t *testing.T, n int) *fleet {
	t.Helper()
	var opts []brokers.Option
	for i := range n {
		opts = append(opts, brokers.Port(fmt.Sprint("s", i)))
	}
	f := &fleet{t: t, b: own(t, opts...), dir: "/tmp"}
	if f.b.Origin() == "local" {
		f.dir = t.TempDir()
	}
	for i := range n {
		_, port, err := net.SplitHostPort(f.b.Port(fmt.Sprint("s", i)))
		must(t, err)
		f.ports = append(f.ports, port)
	}
	return f
}

func (f *fleet) addr(i int) string { return "127.0.0.1:" + f.ports[i] }

// start starts a server; it is killed when the test ends.
func (f *fleet) start(i int, args ...string) {
	f.t.Helper()
	f.launch(i, append([]string{"--appendonly", "yes", "--appenddirname", "aof-" + f.ports[i]}, args...)...)
}

func (f *fleet) launch(i int, args ...string) {
	f.t.Helper()
	all := append([]string{"redis-server"}, args...)
	all = append(all, "--port", f.ports[i], "--protected-mode", "no", "--save", "", "--repl-diskless-sync-delay", "0", "--daemonize", "yes", "--dir", f.dir,
		"--pidfile", filepath.Join(f.dir, f.ports[i]+".pid"))
	f.exec(all...)
	f.t.Cleanup(func() {
		ctx := context.WithoutCancel(f.t.Context())
		_, _ = f.b.Exec(ctx, "redis-cli", "-p", f.ports[i], "shutdown", "nosave", "force") // it may be dead
	})
	f.until(i, "PONG", "ping")
}

// sentinel starts one that watches the first server under the name "main", and takes it for dead when it has not answered for so long.
func (f *fleet) sentinel(i int, silent time.Duration) {
	f.t.Helper()
	conf := filepath.Join(f.dir, "sentinel-"+f.ports[i])
	f.exec("sh", "-c", fmt.Sprintf("printf '%s' > %s", strings.Join([]string{
		"sentinel monitor main 127.0.0.1 " + f.ports[0] + " 1", fmt.Sprint("sentinel down-after-milliseconds main ", silent.Milliseconds()), "sentinel failover-timeout main 3000", "",
	}, `\n`), conf))
	f.launch(i, conf, "--sentinel")
}

// kill ends a server by SIGKILL, and returns when its port is free.
func (f *fleet) kill(i int) {
	f.t.Helper()
	f.exec("sh", "-c", "kill -9 $(cat "+filepath.Join(f.dir, f.ports[i]+".pid")+")")
	f.until(i, "Could not connect", "ping")
}

func (f *fleet) exec(args ...string) string {
	f.t.Helper()
	out, err := f.b.Exec(f.t.Context(), args...)
	if err != nil {
		f.t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(out)
}

func (f *fleet) cli(i int, args ...string) string {
	f.t.Helper()
	return f.exec(append([]string{"redis-cli", "-p", f.ports[i]}, args...)...)
}

// until asks until the answer holds a text.
func (f *fleet) until(i int, want string, args ...string) {
	f.t.Helper()
	said := ""
	for began := time.Now(); time.Since(began) < patience; <-time.After(50 * time.Millisecond) {
		said, _ = f.b.Exec(f.t.Context(), append([]string{"redis-cli", "-p", f.ports[i]}, args...)...)
		if strings.Contains(said, want) {
			return
		}
	}
	f.t.Fatalf("server %d: %v says %q, want %q", i, args, said, want)
}

// busy starts a load over the fleet.
func (f *fleet) busy(url, topic string) *load.Load {
	f.t.Helper()
	return busy(f.t, f.b, load.Config{
		Topic: topic, Members: 2, Drain: 20 * time.Second, Open: func(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
			cfg, err := redis.ParseURL(url)
			must(f.t, err)
			cfg.Session, cfg.Timeout = session, 2*time.Second
			return redis.OpenConfig(ctx, cfg, opts...)
		},
	})
}

// ids are the ids of the events in a topic's stream, as a server has it.
func (f *fleet) ids(i int, topic string) map[string]bool {
	f.t.Helper()
	has := make(map[string]bool)
	for line := range strings.Lines(f.cli(i, "--raw", "xrange", "{"+topic+"}", "-", "+")) {
		has[strings.TrimSpace(line)] = true // and the fields' names, and what else they hold
	}
	return has
}

// gone demands that what is lost is what one server had and the one that took its place had not.
func gone(t *testing.T, lost []history.Op, had, has map[string]bool) {
	t.Helper()
	for _, o := range lost {
		if !had[o.ID] || has[o.ID] {
			t.Errorf("lost %s: the server before had it: %t, and the one now: %t", o.ID, had[o.ID], has[o.ID])
		}
	}
	t.Logf("%d events lost with the server that alone had them", len(lost))
}

// node starts a server of a cluster. The others miss it when it has not answered for so long.
func (f *fleet) node(i int, silent time.Duration) {
	f.t.Helper()
	f.start(i, "--cluster-enabled", "yes", "--cluster-config-file", "nodes-"+f.ports[i], "--cluster-node-timeout", fmt.Sprint(silent.Milliseconds()))
}

// cluster starts one of three nodes.
func cluster(t *testing.T, silent time.Duration) *fleet {
	t.Helper()
	f := gather(t, 3)
	for i := range 3 {
		f.node(i, silent)
	}
	f.exec("redis-cli", "--cluster", "create", f.addr(0), f.addr(1), f.addr(2), "--cluster-yes")
	for i := range 3 {
		f.until(i, "cluster_state:ok", "cluster", "info")
	}
	return f
}

// nodes are the addresses of a cluster, as a URL wants them.
func (f *fleet) nodes() string { return f.addr(0) + "," + f.addr(1) + "," + f.addr(2) }

// Row 32: a topic's slot moves to another node of a cluster under traffic, then that node dies, which the others call CLUSTERDOWN, and comes
// back.
func TestClusterMovesAndLosesANode(t *testing.T) {
	const silent = time.Second
	f := cluster(t, silent)
	topic := matrix.Topic()
	l := f.busy("redis://"+f.nodes(), topic)
	l.Await(200)
	owner := f.owner(topic)
	next := (owner + 1) % 3
	l.Hurt(func() { f.move(topic, owner, next) })
	t.Logf("slot moved: traffic again after %v", l.Recover(10*time.Second))
	if now := f.owner(topic); now != next {
		t.Fatalf("the topic is with node %d, want %d", now, next)
	}
	l.Hurt(func() {
		f.kill(next)
		if err := untilFails(l); !errors.Is(err, messaging.ErrUnavailable) && !errors.Is(err, messaging.ErrUnconfirmed) {
			t.Errorf("publish to a dead node: %v", err)
		}
		f.node(next, silent)
		f.until(next, "cluster_state:ok", "cluster", "info")
	})
	t.Logf("node killed: traffic again after %v", l.Recover(10*time.Second))
	report := l.Drain()
	t.Log(report)
	if !report.OK() {
		t.Error(report)
	}
}

// move gives a topic's slot to another node, key by key.
func (f *fleet) move(topic string, from, to int) {
	f.t.Helper()
	slot := f.cli(from, "cluster", "keyslot", "{"+topic+"}")
	source, target := f.cli(from, "cluster", "myid"), f.cli(to, "cluster", "myid")
	f.cli(to, "cluster", "setslot", slot, "importing", source)
	f.cli(from, "cluster", "setslot", slot, "migrating", target)
	for {
		key, _, _ := strings.Cut(f.cli(from, "cluster", "getkeysinslot", slot, "1"), "\n")
		if key == "" {
			break
		}
		f.cli(from, "migrate", "127.0.0.1", f.ports[to], key, "0", "5000")
	}
	for _, i := range []int{to, from, 3 - to - from} {
		f.cli(i, "cluster", "setslot", slot, "node", target)
	}
}

// owner returns the number of the node that has a topic.
func (f *fleet) owner(topic string) int {
	f.t.Helper()
	owner := -1
	found := eventually(patience, func() bool { // a node that stood still for a moment may be missed by the others
		owner = slices.IndexFunc(f.ports, func(port string) bool {
			out, _ := f.b.Exec(f.t.Context(), "redis-cli", "-p", port, "type", "{"+topic+"}")
			return strings.TrimSpace(out) == "stream"
		})
		return owner >= 0
	})
	if !found {
		f.t.Fatal("no node has the topic")
	}
	return owner
}
