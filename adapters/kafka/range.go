package kafka

import (
	"context"
	"fmt"

	"github.com/herald-go/herald/pkg/driver"
)

// outOfRange goes on where the Config says when the broker does not hold what comes next.
func (s *subscription) outOfRange(ctx context.Context, f *feed) {
	_ = s.d.cluster.refresh(ctx, f.topic) // what fails shows as what was known before
	t := s.d.cluster.known(f.topic)
	if t == nil || f.partition >= len(t.leaders) || t.id.anotherThan(f.ledger.log) {
		s.displaced([]*feed{f})
		return
	}
	oldest, err := s.d.cluster.listOffsets(ctx, f.topic, every(len(t.leaders), atOldest))
	var newest []int64
	if err == nil {
		newest, err = s.d.cluster.listOffsets(ctx, f.topic, every(len(t.leaders), atNewest))
	}
	if err != nil {
		s.displaced([]*feed{f})
		return
	}
	first, end := oldest[f.partition], newest[f.partition]
	s.mu.Lock()
	at := f.fetchAt
	if f.over || at >= first && at <= end {
		s.mu.Unlock()
		return // it was so for a moment only
	}
	if at > end && f.hasOpen() {
		s.mu.Unlock()
		s.displaced([]*feed{f}) // what is in hand belongs to the log before, and its offsets come again: that must be settled first
		return
	}
	missing := int64(-1)
	if at < first {
		missing = first - at
	}
	to := first
	if s.d.cfg.OutOfRange == OutOfRangeLatest || s.spec.Broadcast {
		to = end
		if missing >= 0 {
			missing += end - first
		}
	}
	detail := fmt.Sprintf("%s partition %d: offset %d is not held any more, going on at %d", f.topic, f.partition, at, to)
	if s.d.cfg.OutOfRange == OutOfRangeFail && !s.spec.Broadcast {
		s.failed = fail("receive", s.spec.Topic, fmt.Errorf("%w: %s", driver.ErrPosition, detail))
		s.rouse()
		s.mu.Unlock()
		return
	}
	if missing > 0 {
		for _, done := range f.before {
			missing -= max(0, min(done.to, to)-max(done.from, at))
		}
	}
	f.fetchAt = to
	f.pass(to - 1)
	if to < at {
		f.ledger.next, f.before = to, nil
		f.touch()
	}
	s.lost(missing, detail)
	s.mu.Unlock()
}
