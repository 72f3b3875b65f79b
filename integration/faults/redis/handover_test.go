package redis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/network"
)

// owners returns who owns the partitions of a topic, until when; "" is nobody.
func owners(t *testing.T, b *brokers.Broker, topic string, partitions int) []string {
	t.Helper()
	all := make([]string, partitions)
	for p := range all {
		key := fmt.Sprintf("{%s:%d}:%s", topic, p, driver.Name(driver.KindLease, topic, "workers"))
		fields := strings.Split(cli(t, b, "HGETALL", key), "\n")
		for i := 0; i+1 < len(fields); i += 2 {
			if name, ok := strings.CutPrefix(fields[i], "m:"); ok {
				all[p] += name + " " + fields[i+1]
			}
		}
	}
	return all
}

// beats waits until a partition's owner, of that name, has renewed it so often, or has given it up, which is false.
func beats(t *testing.T, b *brokers.Broker, topic, name string, partitions, which, times int) bool {
	t.Helper()
	last := ""
	for began := time.Now(); times > 0; {
		now := owners(t, b, topic, partitions)[which]
		switch {
		case time.Since(began) > patience:
			t.Fatal("nobody beats")
		case !strings.HasPrefix(now, name+" "):
			return false
		case now != last:
			times, last = times-1, now
		}
	}
	return true
}

// A member of an ordered group is cut off, another one joins, and the first is back before its sessions are over: it hands over what is more than
// its share at once, though the sessions would last for much longer, and though it has lost sight of them; but not what its handlers have in hand.
func TestAMemberThatIsBackHandsOverAtOnce(t *testing.T) {
	t.Attr("suite", "faults")
	const partitions = 4
	b := brokers.Need(t, brokers.Redis)
	topic, line := matrix.Topic(), network.New(t)
	lasting := func(c *redis.Config) { c.Session = time.Hour }
	one := memberOf(t, b, topic, driver.Spec{Member: "one", Window: 64, Partitions: partitions}, lasting, func(c *redis.Config) { c.Dial = line.Dial })
	one.send(&driver.Message{ID: "in hand", Slot: driver.Slots - 1, Body: []byte("{}")}) // of the last partition
	held := one.take(1)
	line.Down()
	two := memberOf(t, b, topic, driver.Spec{Member: "two", Window: 64, Partitions: partitions}, lasting)
	line.Up()
	two.awaitNotice(func(n driver.Notice) bool { return n.Kind == driver.Rebalanced })
	if !beats(t, b, topic, "one", partitions, partitions-1, 4) {
		t.Error("a partition is given up while a handler is at work")
	}
	one.sub.Settle([]driver.Outcome{{Message: held[0], Verdict: driver.Release}})
	if got := two.take(1); got[0].ID != "in hand" {
		t.Errorf("received %s", got[0].ID)
	}
	if got := strings.Join(owners(t, b, topic, partitions), "\n"); strings.Count(got, "one ") != 2 || strings.Count(got, "two ") != 2 {
		t.Errorf("partitions are owned by\n%s", got)
	}
}

// A member of an ordered group is closed while a handler is at work and more of its key waits: the partition stays its own until the handler has
// returned, whose context lives on.
func TestClosingKeepsThePartitionsOfHandlers(t *testing.T) {
	t.Attr("suite", "faults")
	b := brokers.Need(t, brokers.Redis)
	topic := matrix.Topic()
	broker, err := open(t.Context(), b, nil)
	must(t, err)
	t.Cleanup(func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) })
	came, started, finish, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan error, 1)
	first := true // handlers of one key follow each other
	sub, err := broker.Subscribe(t.Context(), topic, messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		if d.Key == "last" { // so all that is before it has come
			close(came)
			return nil
		}
		if !first {
			return nil
		}
		first = false
		close(started)
		<-finish
		ended <- context.Cause(ctx)
		return nil
	}), messaging.Group("workers"), messaging.Member("one"), messaging.OrderAcrossReplicas(1))
	must(t, err)
	events := make([]envelope.Event, 10)
	for i := range events {
		events[i] = envelope.New("order.placed", []byte("{}"))
		events[i].Key = "k"
	}
	events[len(events)-1].Key = "last"
	must(t, broker.Publish(t.Context(), topic, events...))
	<-came
	<-started
	closed := make(chan error, 1)
	go func() { closed <- sub.Close(t.Context()) }()
	if !beats(t, b, topic, "one", 1, 0, 4) {
		t.Error("the partition is given up while a handler is at work")
	}
	close(finish)
	if err := <-ended; err != nil {
		t.Errorf("the handler's context has ended: %v", err)
	}
	must(t, <-closed)
}
