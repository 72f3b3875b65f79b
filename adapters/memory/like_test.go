package memory_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

func TestLikeRabbitMQBeginsAtTheDeclaration(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{Like: memory.LikeRabbitMQ}).Connect()
	first := join(t, d, spec("orders", "billing"))
	publish(t, d, "orders", numbered(1, 5)...)
	second := join(t, d, spec("orders", "audit"))
	publish(t, d, "orders", numbered(6, 7)...)
	equal(t, "the group that was there", first.drain(7), span(1, 7))
	equal(t, "the group that came later", second.drain(2), span(6, 7))
}

func TestLikeRabbitMQRefusesStartsAndHistory(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{Like: memory.LikeRabbitMQ}).Connect()
	for _, start := range []driver.Start{
		{Kind: driver.StartOldest}, {Kind: driver.StartTime, Time: time.Now()}, {Kind: driver.StartAfter, Position: "1"},
	} {
		s := spec("orders", "billing")
		s.Start = start
		if _, err := d.Subscribe(t.Context(), s); !errors.Is(err, driver.ErrUnsupported) {
			t.Errorf("start %v: %v, want ErrUnsupported", start.Kind, err)
		}
	}
	f := send(t, d, driver.Address{Topic: "orders"}, numbered(1, 1)...)
	equal(t, "a refused group is not made", f.list(1), []driver.Fate{driver.Unroutable})
	f = send(t, d, driver.Address{Topic: "orders", Unrouted: driver.Keep}, numbered(1, 1)...)
	equal(t, "keep", f.list(1), []driver.Fate{driver.Invalid})
	if !errors.Is(f.reason(0), driver.ErrUnsupported) {
		t.Errorf("keep: %v, want ErrUnsupported", f.reason(0))
	}
	join(t, d, spec("orders", "billing"))
	if _, err := read(t, d, "orders", driver.Start{}, ""); !errors.Is(err, driver.ErrUnsupported) {
		t.Errorf("read: %v, want ErrUnsupported", err)
	}
}

func TestLikeRabbitMQReadsPlainLogs(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{Like: memory.LikeRabbitMQ, MaxCount: 3}).Connect()
	dead := driver.Name(driver.KindDead, "orders", "billing")
	f := send(t, d, driver.Address{Topic: dead, Log: true}, numbered(1, 9)...)
	equal(t, "fates", f.list(1), []driver.Fate{driver.Stored})
	equal(t, "the log", history(t, d, dead, driver.Start{}, ""), span(1, 9))
}

func TestLikeRabbitMQFreesWhatEveryGroupHas(t *testing.T) { // alone, since it looks at the heap
	const rounds, batch, body = 200, 64, 8 << 10
	d := newServer(t, memory.Config{Like: memory.LikeRabbitMQ}).Connect()
	a, b := join(t, d, spec("orders", "a")), join(t, d, spec("orders", "b"))
	before := heap()
	for range rounds {
		msgs := numbered(1, batch)
		for _, m := range msgs {
			m.Body = make([]byte, body)
		}
		publish(t, d, "orders", msgs...)
		a.drain(batch)
		b.drain(batch)
	}
	if grown := heap() - before; grown > rounds*batch*body/4 {
		t.Errorf("the heap has grown by %d bytes over %d bytes of events that every group has", grown, rounds*batch*body)
	}
}

func TestCapabilitiesAreThoseOfThePlayedBroker(t *testing.T) {
	t.Parallel()
	features := []driver.Feature{driver.FeatureHistory, driver.FeatureStart, driver.FeatureReset, driver.FeatureKeep, driver.FeatureInbox}
	for like, want := range map[string][]driver.Level{
		"":                  {driver.Native, driver.Native, driver.Native, driver.Native, driver.Native},
		memory.LikeRabbitMQ: {driver.Refused, driver.Refused, driver.Refused, driver.Refused, driver.Emulated},
		memory.LikeKafka:    {driver.Native, driver.Native, driver.Native, driver.Native, driver.Emulated},
		memory.LikeRedis:    {driver.Native, driver.Native, driver.Native, driver.Native, driver.Emulated},
	} {
		caps := newServer(t, memory.Config{Like: like, MaxMessage: 7}).Connect().Capabilities()
		var got []driver.Level
		for _, f := range features {
			got = append(got, caps.Features[f].Level)
		}
		equal(t, "like "+like, got, want)
		if is := fmt.Sprint(caps.Broker, caps.Durability, caps.MaxMessage); is != "memory"+"memory"+"7" {
			t.Errorf("like %q: %s", like, is)
		}
	}
}
