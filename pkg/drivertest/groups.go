package drivertest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

var admin = side("groups")

var groupsSentences = []Sentence{
	{Area: "admin", Text: "groups are listed by name, with members and lag", needs: []need{groups, admin}, check: listGroups},
	{Area: "admin", Text: "a group with members is not deleted: ErrInUse", needs: []need{groups, admin}, check: deleteInUse},
	{Area: "admin", Text: "a deleted group is gone with all it owns", needs: []need{groups, admin}, check: deleteGroup},
	{Area: "admin", Text: "a group with members is not reset: ErrInUse", needs: []need{groups, admin, reset}, check: resetInUse},
	{Area: "admin", Text: "a group is reset to the oldest, the newest, a position", needs: []need{groups, admin, reset}, check: resetGroup},
	{Area: "admin", Text: "a reset that can't be given is ErrPosition and changes nothing", needs: []need{groups, admin, reset}, check: resetNowhere},
	{Area: "admin", Text: "a reset is ErrUnsupported where it is refused", needs: []need{groups, admin, without(driver.FeatureReset)}, check: resetRefused},
}

func (g group) admin() driver.Groups { return g.d.(driver.Groups) }

func (g group) reset(at driver.Start) error {
	ctx, cancel := g.f.within()
	defer cancel()
	return g.admin().ResetGroup(ctx, g.topic, g.name, at)
}

func (g group) drop() error {
	ctx, cancel := g.f.within()
	defer cancel()
	return g.admin().DeleteGroup(ctx, g.topic, g.name)
}

// listed waits until the list shows the groups of the topic with so many members.
func (g group) listed(want map[string]int) {
	g.f.Helper()
	g.f.eventually(func() (bool, string) {
		ctx, cancel := g.f.within()
		defer cancel()
		infos, err := g.admin().ListGroups(ctx, g.topic)
		if err != nil {
			return false, fmt.Sprintf("ListGroups: %v", err)
		}
		sorted := slices.IsSortedFunc(infos, func(a, b driver.GroupInfo) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		})
		right := len(infos) == len(want) && sorted
		for _, i := range infos {
			n, known := want[i.Name]
			right = right && known && n == i.Members && i.Topic == g.topic
		}
		return right, fmt.Sprintf("ListGroups is %+v, want %v by name", infos, want)
	})
}

func listGroups(f *fixture) {
	g := f.group()
	other := group{f: f, d: g.d, topic: g.topic, name: "a" + g.name}
	a, b, c := g.member(), g.member(), other.member()
	g.listed(map[string]int{g.name: 2, other.name: 1})
	a.leave()
	b.leave()
	g.listed(map[string]int{g.name: 0, other.name: 1})
	g.publish(f.events(4, "k")...)
	c.drain(4)
	f.eventually(func() (bool, string) {
		ctx, cancel := f.within()
		defer cancel()
		infos, err := g.admin().ListGroups(ctx, g.topic)
		if err != nil || len(infos) != 2 {
			return false, fmt.Sprintf("ListGroups is %+v, %v", infos, err)
		}
		return infos[0].Lag.Count == 0 && infos[1].Lag.Count == 4, fmt.Sprintf("ListGroups is %+v, want a lag of 0 and 4", infos)
	})
}

func deleteInUse(f *fixture) {
	g := f.group()
	m := g.member()
	if err := g.drop(); !errors.Is(err, driver.ErrInUse) {
		f.Errorf("DeleteGroup with a member: %v, want ErrInUse", err)
	}
	msg := f.event("k")
	g.publish(msg)
	f.same("after a refused delete", []string{msg.ID}, idsOf(m.drain(1)))
}

func deleteGroup(f *fixture) {
	g := f.group()
	g.member().leave()
	g.publish(f.events(5, "k")...)
	if f.has(driver.FeatureInbox) {
		f.publish(g.d, g.inbox(), f.event("k"))
	}
	if err := g.drop(); err != nil {
		f.Fatalf("DeleteGroup: %v", err)
	}
	g.listed(map[string]int{})
	f.want(f.send(g.d, f.to(g.topic), f.event("k")), driver.Unroutable)
	if f.has(driver.FeatureInbox) {
		f.want(f.send(g.d, g.inbox(), f.event("k")), driver.Unroutable)
	}
	spec := f.spec(g.topic, g.name)
	spec.Start.Kind = driver.StartNewest
	m := f.join(g.d, spec) // a new group of the same name owns nothing of the old one
	m.quiet()
	msg := f.event("k")
	g.publish(msg)
	f.same("a new group of the same name", []string{msg.ID}, idsOf(m.drain(1)))
}

func resetInUse(f *fixture) {
	g := f.group()
	m := g.member()
	g.publish(f.events(3, "k")...)
	m.drain(3)
	if err := g.reset(oldest); !errors.Is(err, driver.ErrInUse) {
		f.Errorf("ResetGroup with a member: %v, want ErrInUse", err)
	}
	m.quiet()
}

func resetGroup(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(6, "k")
	g.publish(msgs...)
	held := m.take(6)
	fourth := held[3].Position
	m.settle(driver.Ack, held...)
	m.leave()
	for _, c := range []struct {
		at   driver.Start
		want []string
	}{
		{oldest, ids(msgs)},
		{driver.Start{Kind: driver.StartNewest}, nil},
		{driver.Start{Kind: driver.StartAfter, Position: fourth}, ids(msgs[4:])},
	} {
		f.eventually(func() (bool, string) { // a broker may take a moment to see that members are gone
			err := g.reset(c.at)
			return !errors.Is(err, driver.ErrInUse) && err == nil, fmt.Sprintf("ResetGroup(%+v): %v", c.at, err)
		})
		next := g.member()
		f.ordered("after a reset", c.want, ids(next.take(len(c.want))))
		next.quiet()
		next.leave()
	}
}

func resetNowhere(f *fixture) {
	g := f.group()
	m := g.member()
	msgs := f.events(4, "k")
	g.publish(msgs...)
	m.drain(2)
	m.leave()
	err := g.reset(driver.Start{Kind: driver.StartAfter, Position: "no such position"})
	if !errors.Is(err, driver.ErrPosition) {
		f.Errorf("ResetGroup to a bogus position: %v, want ErrPosition", err)
	}
	f.same("after a refused reset", ids(msgs[2:]), idsOf(g.member().drain(2)))
}

func resetRefused(f *fixture) {
	g := f.group()
	m := g.member()
	m.leave()
	if err := g.reset(oldest); !errors.Is(err, driver.ErrUnsupported) {
		f.Errorf("ResetGroup where it is refused: %v, want an error that wraps ErrUnsupported", err)
	}
}
