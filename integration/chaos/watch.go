package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// watch follows a history while it is written, and knows what is unfinished.
type watch struct {
	follower *history.Follower
	group    string
	open     map[string]openEvent
	acked    int
	handled  int
	hasty    int
}

// openEvent is an event that was attempted and is not handled yet; handled is for those whose attempt was not read yet.
type openEvent struct {
	op             history.Op
	copies         int // that may be stored
	acked, handled bool
	excused        bool // destroyed
	parted         bool // an attempt has failed: it may lie where the next fault finds it, though one has destroyed where it lay before
}

func newWatch(dir, group string) *watch {
	return &watch{follower: history.Follow(dir), group: group, open: map[string]openEvent{}}
}

// poll reads what is new.
func (w *watch) poll() error {
	return w.follower.Poll(func(o history.Op) {
		switch o.Kind {
		case history.Attempt, history.Acked, history.Unknown:
			w.published(o)
		case history.Refused:
			w.refused(o)
		case history.Destroyed:
			if o.ID == "" {
				return
			}
			w.excuse(o.ID)
		case history.Freed:
			if o.Note != history.Interrupted { // it was in hand, and comes again: only another fault can destroy it
				w.part(o.ID)
			}
		case history.Done, history.Dead:
			w.finished(o)
		}
	})
}

func (w *watch) published(o history.Op) {
	w.late(o)
	e := w.open[o.ID]
	if e.handled {
		if o.Kind == history.Acked {
			delete(w.open, o.ID)
			w.acked++
		}
		return
	}
	e.op = o
	if o.Kind == history.Attempt {
		e.copies++
	}
	if o.Kind == history.Acked && !e.acked {
		e.acked = true
		w.acked++
	}
	w.open[o.ID] = e
}

func (w *watch) excuse(id string) {
	if e, there := w.open[id]; there {
		e.excused = true
		w.open[id] = e
	}
}

func (w *watch) part(id string) {
	if e, there := w.open[id]; there {
		e.excused, e.parted = false, true
		w.open[id] = e
	}
}

// refused forgets an event of which no copy can be stored.
func (w *watch) refused(o history.Op) {
	w.late(o)
	e, there := w.open[o.ID]
	if !there || e.handled {
		return
	}
	e.copies--
	w.open[o.ID] = e
	if e.copies <= 0 && !e.acked {
		delete(w.open, o.ID)
	}
}

func (w *watch) late(o history.Op) {
	if o.Over > 0 {
		w.hasty++
	}
}

func (w *watch) finished(o history.Op) {
	if o.Kind == history.Done {
		w.handled++
	}
	e, there := w.open[o.ID]
	if there && e.acked {
		delete(w.open, o.ID)
		return
	}
	e.handled = true
	w.open[o.ID] = e
}

// unfinished are the events that may be stored and are not handled. One that has failed may be where the last fault that destroys left it alone: it is
// among them again.
func (w *watch) unfinished() []history.Op {
	var ops []history.Op
	for id, e := range w.open {
		if e.handled || e.excused && !e.parted {
			continue
		}
		ops = append(ops, history.Op{Kind: history.Destroyed, ID: id, Key: e.op.Key, Seq: e.op.Seq})
	}
	return ops
}

// waiting is how many events are acked and not handled.
func (w *watch) waiting() int {
	n := 0
	for _, e := range w.open {
		if e.acked && !e.handled && !e.excused {
			n++
		}
	}
	return n
}

var errNotDrained = errors.New("not drained")

// drain waits until nothing waits any more.
func (w *watch) drain(ctx context.Context, limit time.Duration) error {
	check := time.NewTicker(200 * time.Millisecond)
	defer check.Stop()
	for began := time.Now(); ; {
		if err := w.poll(); err != nil {
			return err
		}
		n := w.waiting()
		if n == 0 {
			return nil
		}
		if time.Since(began) > limit {
			return fmt.Errorf("%w: %d events are not handled after %v", errNotDrained, n, limit)
		}
		select {
		case <-check.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
