package messaging_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestGroups_ListResetDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{}, keep)
		s.put("1", "2")
		handle := func(_ context.Context, d *messaging.Delivery) error { s.saw("%s", d.Data); return nil }
		sub := s.subscribe(handle, messaging.Concurrency(1))
		s.want("1", "2")
		groups, err := s.Groups(t.Context(), "orders")
		if want := (messaging.GroupInfo{Topic: "orders", Name: "billing", Members: 1}); err != nil || len(groups) != 1 || groups[0] != want {
			t.Errorf("groups %+v, %v, want %+v", groups, err, want)
		}
		refused(t, "reset with a member", s.ResetGroup(t.Context(), "orders", "billing", messaging.Oldest()), driver.ErrInUse, "reset group orders: ")
		refused(t, "delete with a member", s.DeleteGroup(t.Context(), "orders", "billing"), driver.ErrInUse, "delete group orders: ")
		if err := sub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		refused(t, "reset to nowhere", s.ResetGroup(t.Context(), "orders", "billing", messaging.After("nowhere")), driver.ErrPosition)
		if err := s.ResetGroup(t.Context(), "orders", "billing", messaging.Oldest()); err != nil {
			t.Fatal(err)
		}
		sub = s.subscribe(handle, messaging.Concurrency(1))
		s.want("1", "2", "1", "2")
		if err := sub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteGroup(t.Context(), "orders", "billing"); err != nil {
			t.Fatal(err)
		}
		if groups, err := s.Groups(t.Context(), "orders"); err != nil || len(groups) != 0 {
			t.Errorf("groups %+v, %v", groups, err)
		}
		refused(t, "delete twice", s.DeleteGroup(t.Context(), "orders", "billing"), driver.ErrUnknownTopic)
	})
}

func TestGroups_DeletingKeepsTheDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		sub := s.subscribe(declining, once)
		s.put("a")
		synctest.Wait()
		if err := sub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteGroup(t.Context(), "orders", "billing"); err != nil {
			t.Fatal(err)
		}
		if letters := s.letters(); len(letters) != 1 {
			t.Errorf("%d dead letters", len(letters))
		}
	})
}

func TestGroups_DriversWithoutThem(t *testing.T) {
	t.Parallel()
	b := (&line{caps: native()}).broker(t)
	_, err := b.Groups(t.Context(), "orders")
	refused(t, "groups", err, messaging.ErrUnsupported, "groups orders: ")
	refused(t, "delete", b.DeleteGroup(t.Context(), "orders", "g"), messaging.ErrUnsupported, "delete group orders: ")
	refused(t, "reset", b.ResetGroup(t.Context(), "orders", "g", messaging.Oldest()), messaging.ErrUnsupported, "reset group orders: ")
}
