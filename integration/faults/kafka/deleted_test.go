package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/network"
)

// witness knows what the groups of a topic have handled, and what they were told.
type witness struct {
	b      *brokers.Broker
	topic  string
	config messaging.Config

	mu      sync.Mutex
	handled map[string]map[string]bool // ids, by group
	gaps    map[string]int
	lost    map[string]int  // how often a member of the group has lost its place
	acked   map[string]bool // to a publisher that began when every group had been told
}

func witnesses(t *testing.T, partitions int, groups ...string) *witness {
	t.Helper()
	w := &witness{
		b: shared(t), topic: matrix.Topic(), handled: map[string]map[string]bool{}, gaps: map[string]int{}, lost: map[string]int{},
		acked: map[string]bool{},
	}
	w.config.Topics = []messaging.Topic{{Name: w.topic, Partitions: partitions, Groups: groups}}
	for _, g := range groups {
		w.handled[g] = map[string]bool{}
	}
	return w
}

// broker opens a connection of its own that ends with the test.
func (w *witness) broker(t *testing.T, d dial, cfg messaging.Config) *messaging.Broker {
	t.Helper()
	hooks := messaging.Hooks{Notice: func(n messaging.Notice) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case n.Kind == messaging.Gap:
			w.gaps[n.Group]++
		case n.Kind == messaging.Rebalanced && n.Err != nil:
			w.lost[n.Group]++
		}
	}}
	broker, err := open(t.Context(), w.b, d, messaging.WithConfig(cfg), messaging.WithHooks(hooks))
	must(t, err)
	t.Cleanup(func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) })
	return broker
}

// member subscribes a group.
func (w *witness) member(t *testing.T, d dial, group string) {
	t.Helper()
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.handled[group][d.ID] = true
		return nil
	})
	_, err := w.broker(t, d, w.config).Subscribe(t.Context(), w.topic, handler, messaging.Group(group))
	must(t, err)
}

func event(id string) envelope.Event {
	return envelope.New("thing.done", []byte("{}"), envelope.ID(id), envelope.Key(id), envelope.ContentType("text/plain"))
}

// publishes publishes the events of one publisher until ctx ends, each again and again until it is acked.
func (w *witness) publishes(ctx context.Context, p messaging.Publisher, name string) {
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		id, told := fmt.Sprintf("%s-%d", name, n), w.told()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		if p.Publish(bounded, w.topic, event(id)) == nil {
			n++
			w.mu.Lock()
			w.acked[id] = told
			w.mu.Unlock()
		}
		cancel()
	}
}

// told reports whether every group was told of a gap.
func (w *witness) told() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.gaps) == len(w.handled)
}

// after returns the events that were published and acked after that.
func (w *witness) after() (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, after := range w.acked {
		if after {
			ids = append(ids, id)
		}
	}
	return ids
}

// missing returns by group which of some events it has not handled.
func (w *witness) missing(ids []string) map[string][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string][]string{}
	for group, handled := range w.handled {
		for _, id := range ids {
			if !handled[id] {
				all[group] = append(all[group], id)
			}
		}
	}
	return all
}

// until waits for something.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for began := time.Now(); !is(); <-look.C {
		if time.Since(began) > 40*time.Second {
			t.Fatalf("%s: not within 40 s", what)
		}
	}
}

// handles waits until every group has handled some events.
func (w *witness) handles(t *testing.T, ids []string) {
	t.Helper()
	var left map[string][]string
	defer func() {
		for group, ids := range left {
			t.Errorf("group %s has not handled %d: %v", group, len(ids), ids[:min(5, len(ids))])
		}
	}()
	until(t, fmt.Sprintf("%d events are handled", len(ids)), func() bool {
		left = w.missing(ids)
		return len(left) == 0
	})
}

// delete deletes the topic, at once, and makes it again with so many partitions where they are not 0. Then each must have held something.
func (w *witness) delete(t *testing.T, partitions int) {
	t.Helper()
	client := bare(t, w.b)
	asks(t, "delete the topic", func() error {
		res, err := client.DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{w.topic}})
		if err == nil {
			err = res.Errors[w.topic]
		}
		return err
	})
	if partitions == 0 {
		return
	}
	topic := kafkago.TopicConfig{Topic: w.topic, NumPartitions: partitions, ReplicationFactor: 1}
	asks(t, "make the topic again", func() error {
		res, err := client.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{topic}})
		if err == nil {
			err = res.Errors[w.topic]
		}
		return err
	})
	// Until the broker has begun the new log it stores in the old one, which is gone the next moment.
	req := &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{}}
	for i := range partitions {
		req.Topics[w.topic] = append(req.Topics[w.topic], kafkago.LastOffsetOf(i))
	}
	until(t, "the new log is begun", func() bool {
		ends, err := client.ListOffsets(t.Context(), req)
		return err == nil && len(ends.Topics[w.topic]) == partitions && !slices.ContainsFunc(ends.Topics[w.topic], func(p kafkago.PartitionOffsets) bool {
			return p.Error != nil || p.LastOffset != 0
		})
	})
}

// Somebody deletes the topic under two groups. Their members make it again, tell of the gap, and go on; so do publishers.
func TestDeletedUnderLoad(t *testing.T) {
	const partitions = 4
	w := witnesses(t, partitions, "one", "two")
	for _, group := range []string{"one", "one", "two"} {
		w.member(t, nil, group)
	}
	p := w.broker(t, nil, messaging.Config{})
	ctx, stop := context.WithCancel(t.Context())
	var publishers sync.WaitGroup
	for i := range 4 {
		publishers.Go(func() { w.publishes(ctx, p, strconv.Itoa(i)) })
	}
	defer publishers.Wait()
	defer stop()
	until(t, "the groups work", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.handled["one"]) > 200 && len(w.handled["two"]) > 200
	})
	began := time.Now()
	w.delete(t, 0)
	until(t, "both groups are told of a gap", w.told)
	t.Logf("told after %v", time.Since(began))
	until(t, "publishing goes on", func() bool { return len(w.after()) > 300 })
	t.Logf("300 events after %v", time.Since(began))
	stop()
	publishers.Wait()
	w.handles(t, w.after())
	lags(t, w, "one", "two")
	d := connect(t, w.b)
	err := d.Declare(t.Context(), []driver.TopicSpec{{Name: w.topic, Partitions: partitions + 1, Verify: true}})
	if !errors.Is(err, driver.ErrConflict) {
		t.Errorf("declare: %v, want a conflict", err)
	}
	must(t, d.Declare(t.Context(), []driver.TopicSpec{{Name: w.topic, Partitions: partitions, Verify: true}}))
}

// lags waits until the groups have stored that they are done.
func lags(t *testing.T, w *witness, groups ...string) {
	t.Helper()
	d := connect(t, w.b)
	for _, group := range groups {
		until(t, group+" is done", func() bool {
			lag, err := d.Lag(t.Context(), w.topic, group)
			return err == nil && lag.Count == 0
		})
	}
}

// The topic is another one, longer than the member's place in the one before, by the time that the member sees it.
func TestDeletedAndMadeAgainBehindTheMembersBack(t *testing.T) {
	const before, after = 50, 200
	w := witnesses(t, 1, "workers")
	n := network.New(t)
	w.member(t, n.Dial, "workers")
	p := w.broker(t, nil, messaging.Config{Unrouted: messaging.KeepUnrouted})
	publish := func(name string, n int) (ids []string) {
		var events []envelope.Event
		for i := range n {
			ids = append(ids, fmt.Sprintf("%s-%d", name, i))
			events = append(events, event(ids[i]))
		}
		must(t, p.Publish(t.Context(), w.topic, events...))
		return ids
	}
	w.handles(t, publish("before", before))
	lags(t, w, "workers")
	n.Down()
	w.delete(t, 1)
	ids := publish("after", after)
	n.Up()
	w.handles(t, ids)
	lags(t, w, "workers")
	w.mu.Lock()
	defer w.mu.Unlock()
	// A member that was away for longer than its session may be told again when it comes anew.
	if n, most := w.gaps["workers"], 1+w.lost["workers"]; n < 1 || n > most {
		t.Errorf("%d gaps were told, want one, and no more than %d", n, most)
	}
	if got := slices.Sorted(maps.Keys(w.handled["workers"])); len(got) != before+after {
		t.Errorf("%d events were handled, want %d", len(got), before+after)
	}
}
