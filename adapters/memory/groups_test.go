package memory_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

// admin is all the side interfaces at once.
type admin interface {
	driver.Lagger
	driver.Groups
	driver.Topology
	driver.Notifier
}

func adminOf(t testing.TB, d driver.Driver) admin {
	t.Helper()
	a, ok := d.(admin)
	if !ok {
		t.Fatal("a side interface is missing")
	}
	return a
}

func TestLagCountsAllThatIsUnfinished(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{0, parts} {
		synctest.Test(t, func(t *testing.T) {
			d := newServer(t, memory.Config{}).Connect()
			s := spec("orders", "billing")
			s.Partitions, s.Types = partitions, []string{"order.*"}
			m := join(t, d, s)
			msgs := slotted(5)
			msgs[7].Type = "invoice.sent"
			publish(t, d, "orders", msgs...)
			send(t, d, driver.Address{Topic: "orders", Group: "billing"}, later("box", time.Hour))
			time.Sleep(time.Minute)
			held := m.take(8)
			m.settle(driver.Ack, held[1:]...)
			m.settle(driver.Release, held[0])
			want := driver.Lag{Count: 12, Age: time.Minute, Later: 1}
			lag, err := adminOf(t, d).Lag(t.Context(), "orders", "billing")
			if err != nil || lag != want {
				t.Errorf("%d partitions: lag %+v, %v; want %+v", partitions, lag, err, want)
			}
			infos, err := adminOf(t, d).ListGroups(t.Context(), "orders")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "groups", infos, []driver.GroupInfo{{Topic: "orders", Name: "billing", Members: 1, Lag: want}})
		})
	}
}

func TestGroupsAreDeletedAndResetOnlyWithoutMembers(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxCount: 5}).Connect()
	a := adminOf(t, d)
	m := join(t, d, spec("orders", "billing"))
	publish(t, d, "orders", numbered(1, 5)...)
	held := m.take(5)
	m.settle(driver.Ack, held...)
	start := driver.Start{Kind: driver.StartAfter, Position: held[2].Position}
	if err := a.ResetGroup(t.Context(), "orders", "billing", start); !errors.Is(err, driver.ErrInUse) {
		t.Errorf("reset with a member: %v", err)
	}
	if err := a.DeleteGroup(t.Context(), "orders", "billing"); !errors.Is(err, driver.ErrInUse) {
		t.Errorf("delete with a member: %v", err)
	}
	m.leave()
	if err := a.ResetGroup(t.Context(), "orders", "billing", start); err != nil {
		t.Fatal(err)
	}
	equal(t, "after the reset", join(t, d, spec("orders", "billing")).drain(2), span(4, 5))
	for _, bad := range []string{"0", "6", "03", "+3", "three", ""} {
		if _, err := read(t, d, "orders", driver.Start{Kind: driver.StartAfter, Position: bad}, ""); !errors.Is(err, driver.ErrPosition) {
			t.Errorf("position %q: %v, want ErrPosition", bad, err)
		}
	}
	for _, err := range []error{
		a.DeleteGroup(t.Context(), "orders", "nobody"), a.ResetGroup(t.Context(), "nothing", "billing", start),
	} {
		if !errors.Is(err, driver.ErrUnknownTopic) {
			t.Errorf("unknown: %v", err)
		}
	}
}

func TestADeletedGroupIsGoneWithItsInbox(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	join(t, d, spec("orders", "billing")).leave()
	if err := adminOf(t, d).DeleteGroup(t.Context(), "orders", "billing"); err != nil {
		t.Fatal(err)
	}
	for _, to := range []driver.Address{orders, {Topic: "orders", Group: "billing"}} {
		equal(t, "fate", send(t, d, to, message("1", "")).list(1), []driver.Fate{driver.Unroutable})
	}
}

func TestDeclareIsAllOrNothing(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{}).Connect()
	declare(t, d, driver.TopicSpec{Name: "orders", Partitions: 4, MaxCount: 9})
	declare(t, d, driver.TopicSpec{Name: "orders", MaxCount: 9, Groups: []string{"billing"}})
	for _, other := range []driver.TopicSpec{{Name: "orders", MaxCount: 9, Partitions: 2}, {Name: "orders", MaxCount: 8}, {Name: "orders"}} {
		err := adminOf(t, d).Declare(t.Context(), []driver.TopicSpec{{Name: "new", Groups: []string{"g"}}, other})
		if !errors.Is(err, driver.ErrConflict) {
			t.Errorf("%+v: %v, want ErrConflict", other, err)
		}
	}
	equal(t, "new", send(t, d, driver.Address{Topic: "new"}, message("1", "")).list(1), []driver.Fate{driver.Unroutable})
	publish(t, d, "orders", message("1", ""))
}

func TestAReaderThatIsOvertakenSaysSo(t *testing.T) {
	t.Parallel()
	d := newServer(t, memory.Config{MaxCount: 300}).Connect()
	join(t, d, spec("orders", "billing"))
	publish(t, d, "orders", numbered(1, 300)...)
	r, err := read(t, d, "orders", driver.Start{Kind: driver.StartOldest}, "250")
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := r.Next(t.Context())
	if err != nil || msgs[0].Position != "1" || msgs[0].Source == nil {
		t.Fatalf("first batch: %v, %v", idsOf(msgs), err)
	}
	publish(t, d, "orders", numbered(301, 600)...)
	if _, err := r.Next(t.Context()); !errors.Is(err, driver.ErrPosition) {
		t.Errorf("overtaken: %v, want ErrPosition", err)
	}
	_ = r.Close(t.Context())
	if _, err := r.Next(t.Context()); !errors.Is(err, driver.ErrClosed) || errors.Is(err, io.EOF) {
		t.Errorf("closed: %v, want ErrClosed", err)
	}
}

func TestNotifyTellsThePresentStateAndEachChange(t *testing.T) {
	t.Parallel()
	server := newServer(t, memory.Config{})
	d := server.Connect()
	var told notices
	server.Disconnect()
	adminOf(t, d).Notify(told.add)
	server.Reconnect()
	server.Reconnect()
	server.Disconnect()
	server.Disconnect()
	server.Reconnect()
	server.Cut(d)
	up, down := driver.Connected, driver.Disconnected
	equal(t, "notices", told.kinds(), []driver.NoticeKind{down, up, down, up, down, up})
}

func TestOpeningWaitsForTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, memory.Config{})
		d := server.Connect()
		server.Disconnect()
		time.AfterFunc(time.Minute, server.Reconnect)
		began := time.Now()
		join(t, d, spec("orders", "billing"))
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("Subscribe waited %v, want until the connection is back", waited)
		}
	})
}
