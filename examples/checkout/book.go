package main

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/herald-go/herald/pkg/messaging"
)

// book is what a group remembers of the events that it has handled. Herald delivers at least once: every event may come twice, so every
// handler needs something like it. In a real service it is a table with the event's id as its primary key, written in the transaction of the
// effect.
type book struct {
	size atomic.Int64 // len(counted), for the view

	mu      sync.Mutex
	counted map[string]int // event id → how often its effect took place
	twice   int            // deliveries of an event whose effect had taken place: duplicates, and attempts that failed after it
}

func newBook() *book { return &book{counted: make(map[string]int)} }

// enter runs effect and notes the event, unless it was noted before. The lock is held meanwhile, which is this book's transaction; effect
// must be quick and can't fail.
func (b *book) enter(d *messaging.Delivery, effect func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.repeated(d) {
		return
	}
	effect()
	b.counted[d.ID]++
	b.size.Store(int64(len(b.counted)))
}

// knows reports whether the event was noted before. It is for effects outside of the process, which no lock of ours can hold.
func (b *book) knows(d *messaging.Delivery) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.repeated(d)
}

// repeated is knows with b.mu held.
func (b *book) repeated(d *messaging.Delivery) bool {
	if b.counted[d.ID] == 0 {
		return false
	}
	b.twice++
	return true
}

// again notes an effect that took place once too often; only a broken handler does that.
func (b *book) again(d *messaging.Delivery, effect func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	effect()
	b.counted[d.ID]++
	b.size.Store(int64(len(b.counted)))
}

// read returns a copy of what is noted, and how many deliveries were duplicates.
func (b *book) read() (counted map[string]int, duplicates int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.counted), b.twice
}
