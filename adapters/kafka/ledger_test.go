package kafka

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func finishedOf(base int64, text string) []int64 {
	var all []int64
	for _, s := range decodeAhead(base, text) {
		for o := s.from; o < s.to; o++ {
			all = append(all, o)
		}
	}
	return all
}

func TestLedger_CommitsTheLowestUnfinishedAndWhatIsFinishedBehind(t *testing.T) {
	t.Parallel()
	l := ledger{next: 10}
	for _, o := range []int64{10, 11, 12, 15, 16, 17} { // 13 and 14 are not there
		l.add(o, held)
		l.next = o + 1
	}
	for _, o := range []int64{16, 12, 15} {
		if !l.settle(o, finished) || l.settle(o, finished) {
			t.Errorf("offset %d is finished once", o)
		}
	}
	if l.settle(13, finished) || l.settle(99, finished) {
		t.Error("what was not handed out can't be finished")
	}
	at, acks := l.position(aheadBytes)
	if at.offset != 10 || acks != 3 || !slices.Equal(finishedOf(10, at.ahead), []int64{12, 15, 16}) {
		t.Errorf("the position is %+v with %d acks, finished %v", at, acks, finishedOf(10, at.ahead))
	}
	l.settle(10, finished)
	l.settle(11, released)
	l.settle(17, finished)
	if at, _ := l.position(aheadBytes); at.offset != 11 {
		t.Errorf("the position is %+v, want 11: it was given back", at)
	}
}

func TestLedger_IsEmptyWhenAllIsFinished(t *testing.T) {
	t.Parallel()
	var l ledger
	for o := range int64(5000) {
		l.add(o, held)
		l.next = o + 1
		l.settle(o, finished)
		if at, acks := l.position(aheadBytes); at != (committed{offset: o + 1}) || acks != 1 {
			t.Fatalf("after %d the position is %+v with %d acks", o, at, acks)
		}
		l.acks = 0
	}
	if cap(l.entries) > 16 {
		t.Errorf("the ledger has grown to %d entries", cap(l.entries))
	}
}

func TestLedger_TellsHowManyAcksFindNoRoom(t *testing.T) {
	t.Parallel()
	var l ledger
	for o := range int64(1000) {
		l.add(o*1000, held) // so far apart that bits are no help
		l.next = o*1000 + 1
		if o%2 == 1 {
			l.settle(o*1000, finished)
		}
	}
	at, acks := l.position(30)
	covered := 0
	for _, s := range decodeAhead(0, at.ahead) {
		if s.to-s.from != 1 {
			t.Errorf("the run %v is none", s)
		}
		covered++
	}
	if covered == 0 || covered != acks || acks >= 500 {
		t.Errorf("%d of 500 acks are said to be covered, and %d are", acks, covered)
	}
}

func TestAhead_ReadsBackWhateverIsFinished(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var l ledger
		var want []int64
		n := 1 + r.IntN(400)
		for o := range int64(n) {
			l.add(o, held)
			l.next = o + 1
		}
		share := r.IntN(100)
		for o := int64(1); o < int64(n); o++ {
			if r.IntN(100) < share {
				l.settle(o, finished)
				want = append(want, o)
			}
		}
		at, acks := l.position(aheadBytes)
		if got := finishedOf(at.offset, at.ahead); !slices.Equal(got, want) || acks != len(want) || len(at.ahead) > 4000 {
			t.Fatalf("finished %v reads back as %v, %d acks, in %d characters", want, got, acks, len(at.ahead))
		}
	}
}

func TestAhead_WireForms(t *testing.T) {
	t.Parallel()
	open := []entry{{100, held}, {101, finished}, {102, finished}, {500, held}, {501, finished}}
	runs, _ := encodeAhead(100, open, aheadBytes, topicID{})
	var bits []entry
	for o := range int64(40) {
		bits = append(bits, entry{100 + o, map[bool]state{true: finished, false: held}[o%2 == 1]})
	}
	bitmap, _ := encodeAhead(100, bits, aheadBytes, topicID{})
	golden(t, "ahead.golden", runs+"\n"+bitmap+"\n")
}

func TestAhead_TakesWhatIsNotItsOwnForNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "some other client's", "1r!!", "2rAAAA", "1r//////////8="} {
		if got := decodeAhead(5, text); got != nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
