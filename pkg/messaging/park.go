package messaging

import (
	"context"
	"time"
)

// parking is what the Park policy knows of keys whose events wait in the inbox. The subscription's mutex guards it.
type parking map[string]*parked

// parked is one key.
type parked struct {
	due    time.Time // when its first waiting event comes back
	copies int       // of its events in the inbox
}

// park sends the item behind its key's waiting events, if there are any that it must not overtake, and reports whether it did.
func (s *Subscription) park(ctx context.Context, it *item) bool {
	if s.options.retry.WhenLater != Park || it.key == "" {
		return false
	}
	now := time.Now()
	s.mu.Lock()
	p := s.parking[it.key]
	// What comes back from the inbox comes in the order of the key, and may run unless one before it has just been put off again.
	behind := p != nil && (!it.msg.Inbox || p.due.After(now))
	var due time.Time
	if behind {
		due = p.due
		if due.Before(now) {
			due = now
		}
	}
	s.mu.Unlock()
	if behind {
		s.shift(ctx, it, due)
	}
	return behind
}

// shifting notes that a copy of the item goes to the inbox.
func (s *Subscription) shifting(it *item, due time.Time) {
	if s.options.retry.WhenLater != Park || it.key == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parking[it.key]
	if p == nil {
		p = &parked{}
		if s.parking == nil {
			s.parking = make(parking)
		}
		s.parking[it.key] = p
	}
	if it.msg.Inbox && p.copies > 0 {
		p.copies-- // the copy that it is gives way to the next
	}
	p.copies++
	if due.After(p.due) {
		p.due = due
	}
}

// unpark notes that a copy from the inbox is finished.
func (s *Subscription) unpark(it *item) {
	if s.options.retry.WhenLater != Park || it.key == "" || !it.msg.Inbox {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parking[it.key]
	if p == nil {
		return
	}
	if p.copies--; p.copies <= 0 {
		delete(s.parking, it.key)
	}
}
