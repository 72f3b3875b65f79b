package messaging

import (
	"time"
)

// lane is a queue of items that are handled one at a time, in order: those of one key, or one item without a key. A lane is in one place at
// a time: in lanes.ready, with a worker, in lanes.waiting, or, when it is empty, in the table alone.
type lane struct {
	key        string
	keyed      bool
	head, tail *item // waiting behind what a worker has taken
	batch      *item // taken by a worker, the head being handled
	until      time.Time
	resting    bool    // empty, and in no place but the table
	gatherer   *worker // gathers a batch and would take more of this lane
}

func (l *lane) push(it *item) {
	it.next = nil
	if l.tail == nil {
		l.head = it
	} else {
		l.tail.next = it
	}
	l.tail = it
}

// shift takes the first waiting item off the lane.
func (l *lane) shift() *item {
	it := l.head
	l.head = it.next
	if l.head == nil {
		l.tail = nil
	}
	it.next = nil
	return it
}

// follow puts an item behind those that the worker has.
func (l *lane) follow(it *item) {
	end := &l.batch
	for *end != nil {
		end = &(*end).next
	}
	*end = it
}

// unlink takes an item out of those that the worker has. It is the first, but for a batch in which an earlier one of the key failed and
// later ones may stand all the same.
func (l *lane) unlink(it *item) {
	at := &l.batch
	for *at != it {
		at = &(*at).next
	}
	*at = it.next
	it.next = nil
}

// lanes is the table of active keys and the queue of lanes that a worker may take. The subscription's mutex guards it.
type lanes struct {
	active  map[string]*lane
	ready   ring
	waiting waits
	free    []*lane
}

// freeLanes bounds the lanes that are kept for use again, restingLanes the size of the table up to which empty ones stay in it.
const (
	freeLanes    = 1024
	restingLanes = 1024
)

// add queues an item behind its key, and reports whether that makes one more lane ready. The worker is one that gathers a batch and wants
// the item, if there is one.
func (t *lanes) add(it *item) (bool, *worker) {
	if it.key == "" {
		l := t.take()
		l.push(it)
		t.ready.push(l)
		return true, nil
	}
	if l, ok := t.active[it.key]; ok {
		l.push(it)
		if l.resting {
			l.resting = false
			t.ready.push(l)
			return true, nil
		}
		return false, l.gatherer
	}
	l := t.take()
	l.key, l.keyed = it.key, true
	l.push(it)
	t.active[it.key] = l
	t.ready.push(l)
	return true, nil
}

func (t *lanes) take() *lane {
	if n := len(t.free); n > 0 {
		l := t.free[n-1]
		t.free = t.free[:n-1]
		return l
	}
	return &lane{}
}

// retire puts a lane back that a worker has finished with: to wait, to be ready again, or away.
func (t *lanes) retire(l *lane) {
	if l.batch != nil { // the worker stopped before its end: what is left goes before what came since
		last := l.batch
		for last.next != nil {
			last = last.next
		}
		last.next = l.head
		if l.tail == nil {
			l.tail = last
		}
		l.head, l.batch = l.batch, nil
	}
	switch {
	case l.head == nil:
		t.drop(l)
	case !l.until.IsZero():
		t.waiting.push(l)
	default:
		t.ready.push(l)
	}
}

// drop forgets an empty lane. Some keyed ones stay in the table for when their key comes back, which spares two changes of the table.
func (t *lanes) drop(l *lane) {
	if l.keyed && len(t.active) <= restingLanes {
		*l = lane{key: l.key, keyed: true, resting: true}
		return
	}
	if l.keyed {
		delete(t.active, l.key)
	}
	*l = lane{}
	if len(t.free) < freeLanes {
		t.free = append(t.free, l)
	}
}

// due makes the lanes ready whose wait is over, and returns how many.
func (t *lanes) due(now time.Time) int {
	n := 0
	for len(t.waiting) > 0 && !t.waiting[0].until.After(now) {
		l := t.waiting.pop()
		l.until = time.Time{}
		t.ready.push(l)
		n++
	}
	return n
}

// cull removes the items that out picks from everything that no worker has, and returns them. Lanes that are left empty are dropped.
func (t *lanes) cull(out func(*item) bool) []*item {
	var culled []*item
	cut := func(l *lane) {
		var head, tail *item
		for it := l.head; it != nil; {
			next := it.next
			it.next = nil
			switch {
			case out(it):
				culled = append(culled, it)
			case tail == nil:
				head, tail = it, it
			default:
				tail.next = it
				tail = it
			}
			it = next
		}
		l.head, l.tail = head, tail
	}
	for _, l := range t.active {
		cut(l) // also behind what a worker has
	}
	for n := t.ready.len(); n > 0; n-- {
		l := t.ready.pop()
		if !l.keyed {
			cut(l)
		}
		if l.head == nil {
			t.drop(l)
		} else {
			t.ready.push(l)
		}
	}
	waiting := t.waiting
	t.waiting = nil
	for _, l := range waiting {
		if !l.keyed {
			cut(l)
		}
		if l.head == nil {
			t.drop(l)
		} else {
			t.waiting.push(l)
		}
	}
	return culled
}

// ring is a growing queue of lanes.
type ring struct {
	buf  []*lane
	head int
	n    int
}

func (r *ring) len() int { return r.n }

func (r *ring) push(l *lane) {
	if r.n == len(r.buf) {
		grown := make([]*lane, max(64, 2*len(r.buf)))
		for i := range r.n {
			grown[i] = r.buf[(r.head+i)%len(r.buf)]
		}
		r.buf, r.head = grown, 0
	}
	r.buf[(r.head+r.n)%len(r.buf)] = l
	r.n++
}

func (r *ring) pop() *lane {
	l := r.buf[r.head]
	r.buf[r.head] = nil
	r.head = (r.head + 1) % len(r.buf)
	r.n--
	return l
}

// waits is a heap of lanes by the end of their wait.
type waits []*lane

func (w *waits) push(l *lane) {
	*w = append(*w, l)
	h := *w
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].until.Before(h[up].until) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (w *waits) pop() *lane {
	h := *w
	top := h[0]
	last := len(h) - 1
	h[0], h[last] = h[last], nil
	h = h[:last]
	*w = h
	for i := 0; ; {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < last && h[c].until.Before(h[least].until) {
				least = c
			}
		}
		if least == i {
			return top
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
