// Package watermark follows messages that are handed out in order and finished in any order: delivery tags, offsets. It tells how far
// everything is finished, which is what a broker can be told in one go.
package watermark

// smallest is the first size of the ring.
const smallest = 64

// Window holds increasing numbers, gaps allowed, and which of them are finished. It is a ring that grows to the largest number of entries
// held at once, and allocates nothing else. The zero value is empty and ready. It is not safe for concurrent use.
type Window struct {
	ring []entry // its length is a power of two
	head int     // index of the oldest
	n    int
}

type entry struct {
	seq  uint64
	now  int64
	done bool
}

func (w *Window) at(i int) *entry { return &w.ring[(w.head+i)&(len(w.ring)-1)] }

// Add appends seq, which must be larger than every number added before; one that is not is left out and gives false. now is the time in
// nanoseconds since any fixed moment; Head returns it.
func (w *Window) Add(seq uint64, now int64) bool {
	if w.n > 0 && seq <= w.at(w.n-1).seq {
		return false
	}
	if w.n == len(w.ring) {
		w.grow()
	}
	w.n++
	*w.at(w.n - 1) = entry{seq: seq, now: now}
	return true
}

func (w *Window) grow() {
	ring := make([]entry, max(smallest, 2*len(w.ring)))
	copied := copy(ring, w.ring[w.head:])
	copy(ring[copied:], w.ring[:w.head])
	w.ring, w.head = ring, 0
}

// Done finishes seq and reports whether it did: false when seq is unknown, removed, or finished already. Without gaps it takes constant
// time, else the logarithm of Len.
func (w *Window) Done(seq uint64) bool {
	e := w.find(seq)
	if e == nil || e.done {
		return false
	}
	e.done = true
	return true
}

func (w *Window) find(seq uint64) *entry {
	if w.n == 0 || seq < w.at(0).seq || seq > w.at(w.n-1).seq {
		return nil
	}
	// Numbers increase by one at least, so seq stands here or before, and before it by no more than there are gaps.
	low, high := 0, int(min(seq-w.at(0).seq, uint64(w.n-1))) //nolint:gosec // a count of entries
	if e := w.at(high); e.seq == seq {
		return e
	}
	for low < high {
		mid := int(uint(low+high) >> 1) //nolint:gosec // both are indices
		if w.at(mid).seq < seq {
			low = mid + 1
			continue
		}
		high = mid
	}
	if e := w.at(low); e.seq == seq {
		return e
	}
	return nil
}

// Advance removes the finished run at the head. It returns the last number of the run and how many it held; n is 0, and upTo without
// meaning, when the oldest is unfinished or there is none.
func (w *Window) Advance() (upTo uint64, n int) {
	for w.n > 0 && w.at(0).done {
		upTo = w.at(0).seq
		w.head = (w.head + 1) & (len(w.ring) - 1)
		w.n--
		n++
	}
	return upTo, n
}

// Head returns the oldest number that is held, and the time it was added with. After Advance that is the oldest unfinished one. ok is false
// when the window is empty.
func (w *Window) Head() (seq uint64, since int64, ok bool) {
	if w.n == 0 {
		return 0, 0, false
	}
	e := w.at(0)
	return e.seq, e.now, true
}

// Len returns how many numbers were added and not removed.
func (w *Window) Len() int { return w.n }
