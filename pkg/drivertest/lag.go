package drivertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var lagSentences = []Sentence{
	{Area: "lag", Text: "Count is what the group has not finished, in hand included", needs: []need{groups, side("lag"), lag}, check: lagCounts},
	{Area: "lag", Text: "Age is the age of the oldest, 0 when there is none", needs: []need{groups, side("lag"), lag}, check: lagAges},
	{Area: "lag", Text: "Later counts what waits in the inbox", needs: []need{groups, inbox, side("lag"), lag}, check: lagLater},
	{Area: "lag", Text: "an unknown group is ErrUnknownTopic", needs: []need{groups, side("lag"), lag}, check: lagUnknown},
	{Area: "lag", Text: "lag is absent or ErrUnsupported where it is refused", needs: []need{groups, without(driver.FeatureLag)}, check: lagRefused},
}

// lagIs waits until the group's lag is what it should be: brokers count a little late.
func (g group) lagIs(what string, right func(l driver.Lag) bool) {
	g.f.Helper()
	g.f.eventually(func() (bool, string) {
		ctx, cancel := g.f.within()
		defer cancel()
		l, err := g.d.(driver.Lagger).Lag(ctx, g.topic, g.name)
		if err != nil {
			return false, fmt.Sprintf("Lag: %v", err)
		}
		return right(l), fmt.Sprintf("lag is %+v, want %s", l, what)
	})
}

func (g group) lagCount(n int64) {
	g.f.Helper()
	g.lagIs(fmt.Sprintf("a count of %d", n), func(l driver.Lag) bool { return l.Count == n })
}

func lagCounts(f *fixture) {
	g := f.group()
	m := g.member()
	g.lagCount(0)
	g.publish(f.events(10, "k")...)
	g.lagCount(10)
	held := m.take(6)
	g.lagCount(10)
	m.settle(driver.Ack, held[:4]...)
	g.lagCount(6)
	m.settle(driver.Ack, held[4:]...)
	m.drain(4)
	g.lagCount(0)
	m.leave()
	g.publish(f.events(3, "k")...)
	g.lagCount(3)
}

func lagAges(f *fixture) {
	g := f.group()
	m := g.member()
	g.publish(f.event("k"))
	g.lagIs("an age of some milliseconds", func(l driver.Lag) bool { return l.Age >= f.h.Quiet && l.Age < time.Minute })
	m.drain(1)
	g.lagIs("nothing", func(l driver.Lag) bool { return l == driver.Lag{} })
}

func lagLater(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(3, "k")
	for _, msg := range msgs[1:] {
		msg.NotBefore = time.Now().Add(time.Hour)
	}
	f.publish(g.d, g.inbox(), msgs...)
	m.drain(1)
	g.lagIs("two that wait in the inbox", func(l driver.Lag) bool { return l.Later == 2 && l.Count == 0 })
}

func lagUnknown(f *fixture) {
	g := f.group()
	f.reader(g.d, g.topic)
	ctx, cancel := f.within()
	defer cancel()
	if _, err := g.d.(driver.Lagger).Lag(ctx, g.topic, g.name); !errors.Is(err, driver.ErrUnknownTopic) {
		f.Errorf("Lag of an unknown group: %v, want ErrUnknownTopic", err)
	}
	if _, err := g.d.(driver.Lagger).Lag(ctx, f.name("unknown"), g.name); !errors.Is(err, driver.ErrUnknownTopic) {
		f.Errorf("Lag in an unknown topic: %v, want ErrUnknownTopic", err)
	}
}

func lagRefused(f *fixture) {
	g := f.group()
	g.member()
	l, ok := g.d.(driver.Lagger)
	if !ok {
		return
	}
	ctx, cancel := f.within()
	defer cancel()
	if _, err := l.Lag(ctx, g.topic, g.name); !errors.Is(err, driver.ErrUnsupported) {
		f.Errorf("Lag where it is refused: %v, want an error that wraps ErrUnsupported", err)
	}
}
