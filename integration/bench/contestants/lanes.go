package contestants

import (
	"hash/maphash"
	"sync"
)

// lanes does jobs side by side, and those of a key in order: what a program on a bare client has to write for itself.
type lanes[T any] struct {
	seed maphash.Seed
	in   []chan T
	done sync.WaitGroup
}

// laneDepth keeps intake going while one lane is behind; the client's window bounds it all.
const laneDepth = 128

// newLanes starts so many lanes.
func newLanes[T any](n int, do func(T)) *lanes[T] {
	l := &lanes[T]{seed: maphash.MakeSeed(), in: make([]chan T, n)}
	for i := range l.in {
		jobs := make(chan T, laneDepth)
		l.in[i] = jobs
		l.done.Go(func() {
			for job := range jobs {
				do(job)
			}
		})
	}
	return l
}

func (l *lanes[T]) put(key string, job T) {
	l.in[maphash.String(l.seed, key)%uint64(len(l.in))] <- job
}

// close waits for what was put.
func (l *lanes[T]) close() {
	for _, jobs := range l.in {
		close(jobs)
	}
	l.done.Wait()
}

// finished finds how far everything is done, whatever the order in which things are.
type finished struct {
	mu   sync.Mutex
	next int64 // the first that is not
	done map[int64]struct{}
}

// newFinished begins with the first number.
func newFinished(first int64) *finished { return &finished{next: first, done: map[int64]struct{}{}} }

// add marks n and returns the highest number below which nothing is left, and whether that has grown by at least grain.
func (f *finished) add(n int64, last *int64, grain int64) (upTo int64, grown bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done[n] = struct{}{}
	for {
		if _, ok := f.done[f.next]; !ok {
			break
		}
		delete(f.done, f.next)
		f.next++
	}
	upTo = f.next - 1
	if upTo-*last < grain {
		return 0, false
	}
	*last = upTo
	return upTo, true
}
