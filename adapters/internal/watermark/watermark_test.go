package watermark_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/herald-go/herald/adapters/internal/watermark"
)

// model is a Window in the plainest way.
type model struct {
	order []uint64 // what is held
	done  map[uint64]bool
	since map[uint64]int64
	last  uint64
}

func (m *model) finish(seq uint64) bool {
	done, known := m.done[seq]
	if !known || done {
		return false
	}
	m.done[seq] = true
	return true
}

func (m *model) advance() (upTo uint64, n int) {
	for len(m.order) > 0 && m.done[m.order[0]] {
		upTo, n = m.order[0], n+1
		delete(m.done, upTo)
		m.order = m.order[1:]
	}
	return upTo, n
}

func (m *model) head() (uint64, int64, bool) {
	if len(m.order) == 0 {
		return 0, 0, false
	}
	return m.order[0], m.since[m.order[0]], true
}

func TestWindowBehavesAsItsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		gaps, burst := 1+rng.IntN(4), 1+rng.IntN(300)
		w, m := watermark.Window{}, model{done: map[uint64]bool{}, since: map[uint64]int64{}}
		for step := range 400 {
			switch rng.IntN(3) {
			case 0:
				for range rng.IntN(burst) {
					m.last += 1 + uint64(rng.IntN(gaps))
					m.order = append(m.order, m.last)
					m.done[m.last], m.since[m.last] = false, int64(step)
					w.Add(m.last, int64(step))
				}
			case 1:
				for range rng.IntN(burst) {
					seq := m.last - min(m.last, uint64(rng.IntN(2*burst)))
					if got, want := w.Done(seq), m.finish(seq); got != want {
						t.Fatalf("seed %d: Done(%d) is %v, want %v", seed, seq, got, want)
					}
				}
			default:
				for range rng.IntN(burst) { // the head, which holds all else up
					seq, _, ok := m.head()
					if !ok {
						break
					}
					if w.Done(seq) != m.finish(seq) {
						t.Fatalf("seed %d: Done of the head differs", seed)
					}
					if upTo, n := w.Advance(); n == 0 || upTo < seq {
						t.Fatalf("seed %d: Advance is %d, %d with %d finished", seed, upTo, n, seq)
					}
					m.advance()
				}
			}
			upTo, n := w.Advance()
			if wantUpTo, wantN := m.advance(); upTo != wantUpTo || n != wantN {
				t.Fatalf("seed %d: Advance is %d, %d, want %d, %d", seed, upTo, n, wantUpTo, wantN)
			}
			seq, since, ok := w.Head()
			if wantSeq, wantSince, wantOK := m.head(); seq != wantSeq || since != wantSince || ok != wantOK {
				t.Fatalf("seed %d: Head is %d, %d, %v, want %d, %d, %v", seed, seq, since, ok, wantSeq, wantSince, wantOK)
			}
			if w.Len() != len(m.done) {
				t.Fatalf("seed %d: Len is %d, want %d", seed, w.Len(), len(m.done))
			}
		}
	}
}

func TestNumbersOutOfOrderAreLeftOut(t *testing.T) {
	t.Parallel()
	var w watermark.Window
	if !w.Add(7, 0) || w.Add(7, 0) || w.Add(3, 0) || w.Len() != 1 {
		t.Errorf("Len is %d after a number twice and a smaller one", w.Len())
	}
}

func TestTheWholeRangeOfNumbersCanBeUsed(t *testing.T) {
	t.Parallel()
	var w watermark.Window
	w.Add(0, 1)
	w.Add(math.MaxUint64, 2)
	if w.Done(math.MaxUint64-1) || !w.Done(math.MaxUint64) || !w.Done(0) {
		t.Error("the ends of the range are not found")
	}
	if upTo, n := w.Advance(); upTo != math.MaxUint64 || n != 2 {
		t.Errorf("Advance is %d, %d", upTo, n)
	}
}

func BenchmarkWindow(b *testing.B) {
	for name, gap := range map[string]uint64{"dense": 1, "gaps": 3} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var w watermark.Window
			const held = 1024
			seq := uint64(0)
			for range held {
				seq += gap
				w.Add(seq, 0)
			}
			for i := 0; b.Loop(); i++ {
				// Neighbours swap places, so that every other message is finished out of order.
				w.Done(seq - (held-1)*gap + gap - 2*gap*uint64(i&1))
				w.Advance()
				seq += gap
				w.Add(seq, 0)
			}
		})
	}
}

func TestSteadyUseAllocatesNothing(t *testing.T) {
	var w watermark.Window
	seq := uint64(0)
	for range 1000 {
		seq++
		w.Add(seq, 0)
	}
	if n := testing.AllocsPerRun(5000, func() {
		seq++
		w.Add(seq, 0)
		w.Done(seq - 1000)
		w.Advance()
	}); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
}
