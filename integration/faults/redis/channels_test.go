package redis_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// channels is a publisher and a reader of a topic's channels.
type channels struct {
	t       *testing.T
	topic   string
	open    *redis.Driver
	sub     driver.Subscription
	notices chan driver.Notice
}

// listen opens both, with a filter.
func listen(t *testing.T, raw string, types ...string) *channels {
	t.Helper()
	cfg, err := redis.ParseURL(raw)
	must(t, err)
	cfg.Timeout = atOnce
	c := &channels{t: t, topic: matrix.Topic(), notices: make(chan driver.Notice, 64)} // Notify must not block
	c.open, err = redis.New(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, c.open.Close(context.WithoutCancel(t.Context()))) })
	c.sub, err = c.open.Subscribe(t.Context(), driver.Spec{
		Topic: c.topic, Broadcast: true, Types: types, Window: 100, WindowBytes: 1 << 20, Notify: func(n driver.Notice) { c.notices <- n },
	})
	must(t, err)
	return c
}

// send publishes an event, and returns its fate.
func (c *channels) send(kind string) driver.Fate {
	told := make(fates, 1) // Done must not block
	c.open.Publisher().Send(c.t.Context(), driver.Address{Topic: c.topic}, []*driver.Message{{ID: "of " + kind, Type: kind, Body: []byte("{}")}}, told)
	return (<-told).fate
}

// receive returns the ids of the next messages, up to the one that ends the test.
func (c *channels) receive(last string) (ids []string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for !slices.Contains(ids, last) {
		got, err := c.sub.Receive(ctx, 10, 1<<20)
		if err != nil {
			c.t.Fatalf("received %q, then %v", ids, err)
		}
		for _, m := range got {
			ids = append(ids, m.ID)
			c.sub.Settle([]driver.Outcome{{Message: m, Verdict: driver.Ack}})
		}
	}
	return ids
}

// With a channel for each type a filter is a subscription: what others want is not even sent here, nothing comes twice, and what has no type,
// or comes from a stranger, comes all the same. Nothing counts as missed.
func TestFiltersAreSubscriptions(t *testing.T) {
	b := own(t)
	c := listen(t, strings.Replace(b.URL(), "redis://", "redis+pubsub://", 1)+"?channels=type", "order.*", "order.placed", "payment.done")
	if n := cli(t, b, "PUBSUB", "NUMPAT"); n != "1" {
		t.Errorf("%s patterns, want 1", n)
	}
	var got []driver.Fate
	for _, kind := range []string{"order.placed", "stock.moved", "order.lost", "stock.moved", "payment.done", "payment.failed", "", "order.placed"} {
		got = append(got, c.send(kind))
	}
	const yes, no = driver.Stored, driver.Unroutable
	if want := []driver.Fate{yes, no, yes, no, yes, no, yes, yes}; !slices.Equal(got, want) {
		t.Errorf("published with %v, want %v", got, want)
	}
	cli(t, b, "PUBLISH", c.topic, `{"by":"a stranger","heraldNative":{"id":"last"}}`)
	want := []string{"of order.placed", "of order.lost", "of payment.done", "of ", "of order.placed", "last"}
	if ids := c.receive("last"); !slices.Equal(ids, want) {
		t.Errorf("received %q, want %q", ids, want)
	}
	must(t, c.sub.Close(t.Context()))
	for len(c.notices) > 0 {
		t.Errorf("told %+v", <-c.notices)
	}
}

// In a cluster a topic's channel is sharded: one node has it. When its slot moves to another one the reader follows, and a gap is told.
func TestShardedChannelMoves(t *testing.T) {
	f := cluster(t, atOnce)
	c := listen(t, "redis+pubsub://"+f.nodes())
	has := func(i int) bool { return f.cli(i, "pubsub", "shardchannels") == c.topic }
	owner := slices.IndexFunc([]int{0, 1, 2}, has)
	if owner < 0 || has((owner+1)%3) || has((owner+2)%3) {
		t.Fatalf("node %d has the channel, want one", owner)
	}
	if fate := c.send("first"); fate != driver.Stored {
		t.Errorf("publish: %v", fate)
	}
	next := (owner + 1) % 3
	f.move(c.topic, owner, next)
	f.until(next, c.topic, "pubsub", "shardchannels")
	for n := range c.notices {
		if n.Kind == driver.Gap {
			break
		}
	}
	if fate := c.send("second"); fate != driver.Stored {
		t.Errorf("publish after the move: %v", fate)
	}
	if ids := c.receive("of second"); !slices.Equal(ids, []string{"of first", "of second"}) {
		t.Errorf("received %q", ids)
	}
}

// Patterns can't be sharded: in a cluster all nodes hear of them, and nothing comes twice.
func TestFiltersInACluster(t *testing.T) {
	f := cluster(t, atOnce)
	c := listen(t, "redis+pubsub://"+f.nodes()+"?channels=type", "order.*")
	for _, kind := range []string{"order.placed", "order.paid", "order.sent"} {
		if fate := c.send(kind); fate != driver.Stored {
			t.Errorf("publish %s: %v", kind, fate)
		}
	}
	if ids, want := c.receive("of order.sent"), []string{"of order.placed", "of order.paid", "of order.sent"}; !slices.Equal(ids, want) {
		t.Errorf("received %q, want %q", ids, want)
	}
}
