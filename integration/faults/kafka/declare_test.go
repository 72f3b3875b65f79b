package kafka_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// connect opens a driver of the test's.
func connect(t *testing.T, b *brokers.Broker, change ...func(*kafka.Config)) *kafka.Driver {
	t.Helper()
	cfg, err := kafka.ParseURL(b.URL())
	must(t, err)
	for _, c := range change {
		c(&cfg)
	}
	d, err := kafka.New(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close(context.WithoutCancel(t.Context()))) })
	return d
}

// fates is told what became of one message.
type fates chan driver.Fate

func (f fates) Done(_ int, fate driver.Fate, _ error) { f <- fate }

func send(t *testing.T, d *kafka.Driver, to driver.Address, id string) driver.Fate {
	t.Helper()
	f := make(fates, 1)
	d.Publisher().Send(t.Context(), to, []*driver.Message{{ID: id, Type: "thing.done", Body: []byte("{}")}}, f)
	select {
	case fate := <-f:
		return fate
	case <-time.After(30 * time.Second):
		t.Fatal("a message has no fate")
		return 0
	}
}

// A driver that declares nothing uses what is there, says what is missing, and makes no topic and no position.
func TestDeclareVerifyAndNone(t *testing.T) {
	b := shared(t)
	maker := connect(t, b)
	there := matrix.Topic()
	must(t, maker.Declare(t.Context(), []driver.TopicSpec{{Name: there, Groups: []string{"workers"}}}))
	for _, declare := range []string{kafka.DeclareVerify, kafka.DeclareNone} {
		t.Run(declare, func(t *testing.T) {
			d := connect(t, b, func(c *kafka.Config) { c.Declare = declare })
			spec := driver.Spec{Topic: there, Group: "workers", Window: 10, WindowBytes: 1 << 20}
			sub, err := d.Subscribe(t.Context(), spec)
			must(t, err)
			if fate := send(t, d, driver.Address{Topic: there}, declare); fate != driver.Stored {
				t.Errorf("publish to what is there: %v", fate)
			}
			msgs, err := sub.Receive(t.Context(), 10, 1<<20)
			must(t, err)
			if len(msgs) != 1 || msgs[0].ID != declare {
				t.Errorf("got %v", msgs)
			}
			sub.Settle([]driver.Outcome{{Message: msgs[0]}})
			must(t, sub.Close(t.Context()))
			lag, err := d.Lag(t.Context(), there, "workers")
			if must(t, err); lag.Count != 0 {
				t.Errorf("the lag is %d: the position that was there does not go on", lag.Count)
			}
			before := topics(t, b)
			nothingIsMade(t, d, there, declare == kafka.DeclareVerify)
			if after := topics(t, b); !slices.Equal(before, after) {
				t.Errorf("topics were %v and are %v", before, after)
			}
			groups, err := maker.ListGroups(t.Context(), there)
			if must(t, err); len(groups) != 1 {
				t.Errorf("groups are %+v, want workers alone", groups)
			}
		})
	}
}

// nothingIsMade tries everything that would make something.
func nothingIsMade(t *testing.T, d *kafka.Driver, there string, verify bool) {
	t.Helper()
	missing := matrix.Topic()
	for name, spec := range map[string]driver.Spec{
		"missing":  {Topic: there, Group: "missing", Window: 10, WindowBytes: 1 << 20},
		missing:    {Topic: missing, Group: "workers", Window: 10, WindowBytes: 1 << 20},
		"readers.": {Topic: missing, Broadcast: true, Window: 10, WindowBytes: 1 << 20},
	} {
		_, err := d.Subscribe(t.Context(), spec)
		if !errors.Is(err, driver.ErrUnknownTopic) || !spec.Broadcast && !strings.Contains(err.Error(), name) {
			t.Errorf("subscribe to what is not there: %v, want unknown and %s in it", err, name)
		}
	}
	for _, to := range []driver.Address{
		{Topic: missing},
		{Topic: missing, Unrouted: driver.Keep},
		{Topic: there, Group: "missing"},
		{Topic: driver.Name(driver.KindDead, there, "workers"), Log: true},
	} {
		if fate := send(t, d, to, "1"); fate == driver.Stored {
			t.Errorf("a message to %+v is stored", to)
		}
	}
	err := d.Declare(t.Context(), []driver.TopicSpec{{Name: missing, Groups: []string{"workers"}}})
	if verify && !errors.Is(err, driver.ErrUnknownTopic) || !verify && err != nil {
		t.Errorf("declare what is not there: %v", err)
	}
}

// topics returns those that this test could have made.
func topics(t *testing.T, b *brokers.Broker) (names []string) {
	t.Helper()
	for name := range strings.Lines(tool(t, b, "kafka-topics", "--list")) {
		if name = strings.TrimSpace(name); strings.Contains(name, "faults.") {
			names = append(names, name)
		}
	}
	return names
}
