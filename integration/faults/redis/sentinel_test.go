package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// watched starts a primary with two replicas, and a sentinel as the fourth server, which takes the primary for dead when it is silent for so long.
// Further arguments are the primary's.
func watched(t *testing.T, silent time.Duration, args ...string) *fleet {
	t.Helper()
	f := gather(t, 4)
	f.start(0, args...)
	f.start(1)
	f.start(2)
	for i := 1; i < 3; i++ {
		f.cli(i, "replicaof", "127.0.0.1", f.ports[0])
	}
	f.until(0, "connected_slaves:2", "info", "replication")
	f.sentinel(3, silent)
	f.until(3, "slaves=2", "info", "sentinel")
	return f
}

// Row 31: sentinels promote a replica since the primary is dead: what a replica has confirmed is not lost. A publisher waits for a replica
// with each pipeline, so what the replicas had not heard of the members' acks is less than a window.
func TestSentinelsPromoteAReplica(t *testing.T) {
	f := watched(t, 2*time.Second)
	l := f.busy("redis://"+f.addr(3)+"?master=main&durability=replicas:1", matrix.Topic())
	l.Await(200)
	l.Hurt(func() { f.kill(0) })
	t.Logf("primary killed: traffic again after %v", l.Recover(15*time.Second))
	l.Finish()
}

// ordered lets the sentinel promote the first replica though the primary lives, and returns when it names the new one.
func (f *fleet) ordered() {
	f.t.Helper()
	f.cli(3, "sentinel", "failover", "main")
	f.until(3, f.ports[1], "sentinel", "get-master-addr-by-name", "main")
}

// Row 31: a failover by hand. The old primary lives, and takes writes that it will forget some ten seconds later. Members and publishers leave
// it as soon as the sentinel names the new one, together: none acks here what it was given there. What one of two replicas has confirmed may
// be lost all the same, for that may have been the other one: exactly what the old primary has and the new one has not. What members finished
// at the old one during the failover comes again. Here the old primary can't be made a replica, so that it can be looked at what it had, however
// long that takes.
func TestSentinelsFailOverOnAnOrder(t *testing.T) {
	f := watched(t, patience, "--rename-command", "SLAVEOF", "nobodys-slaveof", "--rename-command", "REPLICAOF", "nobodys-replicaof")
	f.cli(2, "config", "set", "replica-priority", "0")
	f.until(3, "slave-priority\n0", "sentinel", "replicas", "main")
	topic := matrix.Topic()
	l := f.busy("redis://"+f.addr(3)+"?master=main&durability=replicas:1", topic)
	l.Await(200)
	l.Undo(f.ordered)
	took := l.Recover(5 * time.Second)
	had := f.ids(0, topic)
	if role, _, _ := strings.Cut(f.cli(0, "role"), "\n"); role != "master" {
		t.Errorf("the old primary is a %s already: nothing is shown", role)
	}
	l.Await(200)
	report := l.Drain()
	t.Logf("traffic again after %v: %s", took, report)
	gone(t, report.Lost, had, f.ids(1, topic))
	report.Lost = nil
	if !report.OK() {
		t.Error(report)
	}
}

// Row 31: the same, with an ack of all replicas. Nothing is lost; nothing is confirmed either until the old primary is the new one's replica.
func TestSentinelsFailOverOnAnOrderWithAllReplicas(t *testing.T) {
	f := watched(t, patience)
	f.cli(2, "config", "set", "replica-priority", "0")
	f.until(3, "slave-priority\n0", "sentinel", "replicas", "main")
	l := f.busy("redis://"+f.addr(3)+"?master=main&durability=replicas:2", matrix.Topic())
	l.Await(200)
	l.Hurt(f.ordered)
	f.until(1, "connected_slaves:2", "info", "replication")
	l.Recover(5 * time.Second)
	l.Finish()
}
