package memory

import (
	"container/heap"
	"math"
	"time"
)

// parcel is an unfinished entry that nobody holds, with the deliveries it has had.
type parcel struct {
	e          *entry
	deliveries int
	inbox      bool
}

// waiting is a queue by due time, then arrival: a group's inbox, and a topic's delayed messages. It implements heap.Interface for its own
// push and pop.
type waiting []parcel

func (w waiting) Len() int      { return len(w) }
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w waiting) Less(i, j int) bool {
	if w[i].e.due != w[j].e.due {
		return w[i].e.due < w[j].e.due
	}
	return w[i].e.seq < w[j].e.seq
}

// Push is for package heap.
func (w *waiting) Push(x any) {
	if p, ok := x.(parcel); ok {
		*w = append(*w, p)
	}
}

// Pop is for package heap.
func (w *waiting) Pop() any {
	last := len(*w) - 1
	p := (*w)[last]
	(*w)[last] = parcel{}
	*w = (*w)[:last]
	return p
}

func (w *waiting) put(p parcel) { heap.Push(w, p) }

func (w *waiting) take() parcel {
	p := (*w)[0]
	heap.Pop(w)
	return p
}

// due returns when the first parcel is due; false when there is none.
func (w waiting) due() (int64, bool) {
	if len(w) == 0 {
		return 0, false
	}
	return w[0].e.due, true
}

// nanos is t in nanoseconds since 1970, with the far future cut off where the number ends; the zero time is 0.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero(), t.Year() < 1970:
		return 0
	case t.Year() > 2200:
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}
