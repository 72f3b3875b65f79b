package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/herald-go/herald/pkg/messaging"
)

// book is what a group has handled: the total of each order. It is safe for concurrent use.
type book struct {
	mu      sync.Mutex
	totals  map[int64]int64
	again   int           // orders that came twice
	changed chan struct{} // of capacity 1: something was written since the last look
}

func newBook() *book { return &book{totals: make(map[int64]int64), changed: make(chan struct{}, 1)} }

// write notes an order.
func (b *book) write(order, total int64) {
	b.mu.Lock()
	if _, ok := b.totals[order]; ok {
		b.again++
	}
	b.totals[order] = total
	b.mu.Unlock()
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// count returns how many orders there are and their sum.
func (b *book) count() (orders int, sum int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, total := range b.totals {
		sum += total
	}
	return len(b.totals), sum
}

// wait returns when there are so many orders.
func (b *book) wait(ctx context.Context, orders int) error {
	for {
		n, _ := b.count()
		if n >= orders {
			return nil
		}
		select {
		case <-b.changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d orders were handled: %w", n, orders, context.Cause(ctx))
		}
	}
}

// deadLetters are the events that nobody could handle.
type deadLetters struct {
	mu   sync.Mutex
	told []string
}

func (d *deadLetters) hooks() messaging.Hooks {
	return messaging.Hooks{DeadLetter: func(l *messaging.DeadLetter) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.told = append(d.told, fmt.Sprintf("%s version %s in group %s: %s", l.Event.Type, l.Event.Version, l.Group, l.Error))
	}}
}

func (d *deadLetters) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told
}
