package messaging_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestSubscribe_WrongOptionsAreNamed(t *testing.T) {
	t.Parallel()
	b := open(t)
	group := messaging.Group("g")
	retry := func(p messaging.RetryPolicy) messaging.SubscribeOption { return messaging.Retry(p) }
	for name, tc := range map[string]struct {
		opts []messaging.SubscribeOption
		want []string
	}{
		"neither":              {nil, []string{`messaging.Group("name")`, "messaging.Broadcast()"}},
		"both":                 {[]messaging.SubscribeOption{group, messaging.Broadcast()}, []string{"has a group or is a broadcast, not both"}},
		"group name":           {[]messaging.SubscribeOption{messaging.Group("a b")}, []string{`group name "a b"`, nameRule}},
		"broadcast from":       {[]messaging.SubscribeOption{messaging.Broadcast(), messaging.From(messaging.Oldest())}, []string{"a broadcast begins now"}},
		"broadcast in order":   {[]messaging.SubscribeOption{messaging.Broadcast(), messaging.OrderAcrossReplicas(3)}, []string{"no order across replicas"}},
		"after nothing":        {[]messaging.SubscribeOption{group, messaging.From(messaging.After(""))}, []string{"After needs a position"}},
		"concurrency":          {[]messaging.SubscribeOption{group, messaging.Concurrency(-1)}, []string{"concurrency and window must not be negative"}},
		"window":               {[]messaging.SubscribeOption{group, messaging.Window(-1, 0)}, []string{"concurrency and window must not be negative"}},
		"window bytes":         {[]messaging.SubscribeOption{group, messaging.Window(0, -1)}, []string{"concurrency and window must not be negative"}},
		"negative partitions":  {[]messaging.SubscribeOption{group, messaging.OrderAcrossReplicas(-1)}, []string{"order across replicas needs 1 to 64 partitions"}},
		"too many partitions":  {[]messaging.SubscribeOption{group, messaging.OrderAcrossReplicas(65)}, []string{"order across replicas needs 1 to 64 partitions"}},
		"when later":           {[]messaging.SubscribeOption{group, retry(messaging.RetryPolicy{WhenLater: 7})}, []string{"unknown policy 7"}},
		"negative quick delay": {[]messaging.SubscribeOption{group, retry(messaging.RetryPolicy{Quick: []time.Duration{-1}})}, []string{"quick retry delay -1ns"}},
		"long quick delay":     {[]messaging.SubscribeOption{group, retry(messaging.RetryPolicy{Quick: []time.Duration{time.Hour}})}, []string{"quick retry delay 1h0m0s must be between 0 and 1m"}},
		"negative later delay": {[]messaging.SubscribeOption{group, retry(messaging.RetryPolicy{Later: []time.Duration{-1}})}, []string{"later retry delay -1ns is negative"}},
		"several": {
			[]messaging.SubscribeOption{messaging.Concurrency(-1), messaging.Types("a*")},
			[]string{"messaging.Broadcast()", "concurrency", "type pattern"},
		},
	} {
		s, err := b.Subscribe(t.Context(), "orders", nothing, tc.opts...)
		refused(t, name, err, messaging.ErrInvalid, append(tc.want, "subscribe orders: ")...)
		if s != nil {
			t.Errorf("%s: a subscription came with the error", name)
		}
	}
	_, err := b.Subscribe(t.Context(), "no topic", nothing, group)
	refused(t, "topic name", err, messaging.ErrInvalid, `topic name "no topic"`, nameRule)
	_, err = b.Subscribe(t.Context(), "orders", nil, group)
	refused(t, "no handler", err, messaging.ErrInvalid, "handler is nil")
	// Nothing of all that was declared.
	if _, err := b.Groups(t.Context(), "orders"); err == nil {
		t.Error("a refused subscription has declared its topic")
	}
}

func TestSubscribe_OneSubscriptionPerGroup(t *testing.T) {
	t.Parallel()
	b := open(t)
	first, err := b.Subscribe(t.Context(), "orders", nothing, messaging.Group("g"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Subscribe(t.Context(), "orders", nothing, messaging.Group("g"), messaging.Types("order.placed"))
	refused(t, "the same group", err, messaging.ErrConflict, "group g is subscribed already")
	for _, opts := range [][]messaging.SubscribeOption{{messaging.Group("h")}, {messaging.Broadcast()}, {messaging.Broadcast()}} {
		if _, err := b.Subscribe(t.Context(), "orders", nothing, opts...); err != nil {
			t.Errorf("another group or broadcast: %v", err)
		}
	}
	if _, err := b.Subscribe(t.Context(), "parcels", nothing, messaging.Group("g")); err != nil {
		t.Errorf("another topic: %v", err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Subscribe(t.Context(), "orders", nothing, messaging.Group("g")); err != nil {
		t.Errorf("after the first has closed: %v", err)
	}
}

func TestSubscribe_ServiceIsTheDefaultGroup(t *testing.T) {
	t.Parallel()
	b := open(t, messaging.WithService("billing"))
	s, err := b.Subscribe(t.Context(), "orders", nothing)
	if err != nil || s.Group() != "billing" || s.Topic() != "orders" {
		t.Errorf("subscribed %+v, %v", s, err)
	}
	all, err := b.Subscribe(t.Context(), "orders", nothing, messaging.Broadcast())
	if err != nil || all.Group() != "" {
		t.Errorf("subscribed %+v, %v", all, err)
	}
}

func TestSubscribe_WhatRabbitMQRefusesIsRefused(t *testing.T) {
	t.Parallel()
	like, err := messaging.New(t.Context(), connect(t, memory.Config{Like: memory.LikeRabbitMQ}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = like.Close(context.Background()) })
	must := open(t, messaging.WithConfig(messaging.Config{MustRunOn: []string{"kafka", "rabbitmq"}}))
	for name, b := range map[string]*messaging.Broker{"like": like, "must": must} {
		for _, from := range []messaging.Start{messaging.Oldest(), messaging.At(time.Now()), messaging.After("1")} {
			_, err := b.Subscribe(t.Context(), "orders", nothing, messaging.Group("g"), messaging.From(from))
			refused(t, name, err, messaging.ErrUnsupported, "start: ")
			if name == "must" {
				refused(t, name, err, messaging.ErrUnsupported, "must run on rabbitmq, which has not (a queue begins with its declaration)")
			}
		}
		for _, err := range b.Read(t.Context(), "orders", messaging.Start{}, "") {
			refused(t, name+" reading", err, messaging.ErrUnsupported, "read orders: history: ")
		}
		refused(t, name+" resetting", b.ResetGroup(t.Context(), "orders", "g", messaging.Oldest()), messaging.ErrUnsupported, "reset group orders: reset: ")
		if _, err := b.Subscribe(t.Context(), "orders", nothing, messaging.Group("g"), messaging.From(messaging.Newest())); err != nil {
			t.Errorf("%s: from now on: %v", name, err)
		}
	}
}

func TestSubscribe_WhatTheDriverRefusesIsRefused(t *testing.T) {
	t.Parallel()
	all := []driver.Feature{driver.FeatureGroups, driver.FeatureInbox, driver.FeatureLog, driver.FeatureReplicaOrder, driver.FeatureStart, driver.FeatureBroadcast}
	group := []messaging.SubscribeOption{messaging.Group("g")}
	for feature, opts := range map[driver.Feature][]messaging.SubscribeOption{
		driver.FeatureGroups: group, driver.FeatureInbox: group, driver.FeatureLog: group,
		driver.FeatureReplicaOrder: append(slices.Clone(group), messaging.OrderAcrossReplicas(2)),
		driver.FeatureStart:        append(slices.Clone(group), messaging.From(messaging.Oldest())),
		driver.FeatureBroadcast:    {messaging.Broadcast()},
	} {
		l := &line{caps: driver.Capabilities{Features: map[driver.Feature]driver.Capability{feature: {How: "for a reason"}}}}
		for _, f := range all {
			if f != feature {
				l.caps.Features[f] = driver.Capability{Level: driver.Native}
			}
		}
		_, err := l.broker(t).Subscribe(t.Context(), "orders", nothing, opts...)
		refused(t, string(feature), err, messaging.ErrUnsupported, string(feature)+": ", "(for a reason)")
	}
}

func TestSubscribe_BlockFitsTheHoldLimit(t *testing.T) {
	t.Parallel()
	l := &line{caps: driver.Capabilities{HoldLimit: 30 * time.Minute}}
	for total, later := range map[string][]time.Duration{
		"25m0s": {20 * time.Minute}, "15m37.5s": {5 * time.Minute, 5 * time.Minute, 150 * time.Second},
	} {
		_, err := l.broker(t).Subscribe(t.Context(), "orders", nothing, messaging.Group("g"),
			messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{}, Later: later, WhenLater: messaging.Block}))
		refused(t, "waits of "+total, err, messaging.ErrUnsupported, "retry delays of "+total+" in all with Block", "30m0s only")
	}
	l.caps = native()
	l.caps.HoldLimit = 30 * time.Minute
	_, err := l.broker(t).Subscribe(t.Context(), "orders", nothing, messaging.Group("g"), messaging.Retry(messaging.RetryPolicy{WhenLater: messaging.Block}))
	refused(t, "the defaults come as far as the driver", err, driver.ErrUnsupported, "subscribe orders: not supported by this broker")
}

func TestUse_FirstIsOutermost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		around := func(name string) messaging.Middleware {
			return func(next messaging.Handler) messaging.Handler {
				return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
					s.saw("%s in", name)
					defer s.saw("%s out", name)
					return next.Handle(ctx, d)
				})
			}
		}
		s.subscribe(func(context.Context, *messaging.Delivery) error { s.saw("handler"); return nil },
			messaging.Use(around("a"), around("b")), messaging.Use(around("c")))
		s.put("x")
		s.want("a in", "b in", "c in", "handler", "c out", "b out", "a out")
	})
}

func TestFrom_BeginsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
		s.put("1", "2")
		time.Sleep(time.Minute)
		s.put("3", "4")
		var second string
		for d, err := range s.Read(t.Context(), "orders", messaging.Start{}, "") {
			if err != nil {
				t.Fatal(err)
			}
			if string(d.Data) == "2" {
				second = d.Position
			}
		}
		for name, start := range map[string]messaging.Start{
			"default": {}, "oldest": messaging.Oldest(), "newest": messaging.Newest(),
			"at": messaging.At(time.Now()), "after": messaging.After(second),
		} {
			var got []string
			h := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error { got = append(got, string(d.Data)); return nil })
			if _, err := s.Subscribe(t.Context(), "orders", h, messaging.Group(name), messaging.From(start), messaging.Concurrency(1)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			want := map[string]string{"default": "1234", "oldest": "1234", "newest": "", "at": "34", "after": "34"}[name]
			if strings.Join(got, "") != want {
				t.Errorf("from %s: got %q, want %q", name, got, want)
			}
		}
	})
}
