package kafka

import (
	"slices"
	"testing"

	"github.com/herald-go/herald/pkg/driver"
)

// What is put off fills its tiers, and must not keep the topic from being fetched: some of it waits for minutes.
func TestFetcher_WhatWaitsForItsTimeKeepsNobodyFromFetching(t *testing.T) {
	t.Parallel()
	s := &subscription{spec: driver.Spec{WindowBytes: feedBytes}, units: map[int]*unit{}}
	u := s.newUnit(0)
	s.units[0] = u
	topic, soon, later := &feed{unit: u, tier: -1}, &feed{unit: u, tier: 0}, &feed{unit: u, tier: 3}
	later.hold(2 * feedBytes)
	if !s.hungry(topic) || !s.hungry(soon) || s.hungry(later) {
		t.Errorf("with a full tier the topic is hungry: %v, what is due %v, the tier itself %v; want the first two", s.hungry(topic), s.hungry(soon), s.hungry(later))
	}
	soon.hold(feedBytes)
	if s.hungry(topic) {
		t.Error("the topic is fetched with more in hand than the window holds")
	}
	soon.hold(-feedBytes)
	later.hold(-2 * feedBytes)
	if !s.hungry(topic) || !s.hungry(later) || s.buffered != 0 {
		t.Errorf("%d bytes are left of what was read", s.buffered)
	}
}

func TestFetcher_AsksForAShareOfTheWindow(t *testing.T) {
	t.Parallel()
	const window = 64 << 20
	for units, want := range map[int]int{1: feedBytes, 16: feedBytes, 64: window / 256, 200: window / 800, 1000: feedBytesLeast} {
		s := &subscription{spec: driver.Spec{WindowBytes: window}, units: map[int]*unit{}}
		for i := range units {
			s.units[i] = s.newUnit(i)
		}
		if got := s.portion(&feed{unit: s.units[0], tier: -1}); got != want {
			t.Errorf("%d bytes of each of %d partitions are asked for, want %d", got, units, want)
		}
	}
}

func TestFetcher_AsksForWholeBatches(t *testing.T) {
	t.Parallel()
	batch := stored(t, 7, 1, 0, "a", "b", "c")
	two := slices.Concat(batch, batch)
	for _, c := range []struct{ came, cut int }{
		{len(batch), 0}, {len(two), 0}, {len(batch) + atMagic, 0}, {len(batch) + 50, len(batch)}, {len(batch) - 1, len(batch)}, {0, 0},
	} {
		data, _ := whole(two[:c.came])
		if got := cutOff(two[len(data):c.came]); got != c.cut {
			t.Errorf("of %d bytes the batch that is cut off has %d, want %d", c.came, got, c.cut)
		}
	}
	s := &subscription{spec: driver.Spec{WindowBytes: 64 << 20}, units: map[int]*unit{}}
	for cut, want := range map[int]int{
		0: feedBytes, 700_000: 1_400_000 + 700_000/16, 100: 10486*100 + 6, 1 << 20: 1<<20 + 1<<16, 3 << 20: feedBytes,
	} {
		if got := s.asked(&feed{tier: -1, cut: cut}); got != want {
			t.Errorf("with batches of %d bytes %d are asked for, want %d", cut, got, want)
		}
	}
}
