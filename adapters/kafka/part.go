package kafka

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

const (
	// batchBytes bounds a batch where the topic would take a larger one.
	batchBytes = 1 << 20
	// refusalPatience is how long a batch is tried again that the broker rejects for want of replicas.
	refusalPatience = 3 * time.Second
	// epochsTried is how often a batch that was surely not stored begins a new epoch.
	epochsTried = 3
)

// part is what waits for one partition, in order, with at most one batch on its way. At any time it belongs to nobody, to a sender or to the
// seeker; that one alone touches flying, producer, sequence and missed.
type part struct {
	p      *publisher
	topic  string
	number int
	limit  atomic.Int64 // the largest batch that the topic takes

	flying   []*batch // claimed and unanswered: the first is on its way, the others are its split-off tail
	producer producer // id 0 with sequence 0 asks for an identity
	known    bool     // the producer is set
	sequence int32
	missed   time.Time // when its topic was seen to be missing; the seeker's

	mu      sync.Mutex // guards what follows
	waiting []item     // from head on
	head    int
	bytes   int  // the sizes of what waits
	busy    bool // belongs to a sender or the seeker
}

// item is a message that waits.
type item struct {
	sendqueue.Entry
	mark
	size int32
}

// batch is a run of claimed messages as they were or will be written. It belongs to whom its part belongs to, who alone reads and writes it:
// a request is written by its lane, which waits for that, and is never written again once the fate is told.
type batch struct {
	part     *part
	entries  []sendqueue.Entry
	marks    []mark // by entry
	bytes    []byte
	producer producer
	sequence int32
	unsure   bool // an attempt was not answered: it may be stored
	epochs   int
	began    time.Time
	err      error // the latest reason for another try
}

// add appends messages. Those that no batch could hold get their fate at once.
func (x *part) add(entries []sendqueue.Entry, k mark) {
	// Where the topic takes less than the cluster, the broker says so itself: what is known of the topic may be out of date.
	limit := max(int(x.limit.Load()), x.p.admin.most)
	x.mu.Lock()
	var large []sendqueue.Entry
	for _, e := range entries {
		if mayExceed(e.Msg, limit) && recordSize(e.Msg, k) > limit {
			large = append(large, e)
			continue
		}
		size := e.Msg.Size()
		x.waiting = append(x.waiting, item{e, k, int32(size)}) //nolint:gosec // below the limit of a batch
		x.bytes += size
	}
	begin := !x.busy && x.head < len(x.waiting)
	x.busy = x.busy || begin
	x.mu.Unlock()
	for i := range large {
		tooLarge(&large[i], limit)
	}
	if x.p.away.Load() != nil {
		x.sweep()
	}
	if begin {
		x.p.assign(x)
	}
}

// mayExceed is a quick look that is never wrong in saying no.
func mayExceed(m *driver.Message, limit int) bool { return m.Size()+16*len(m.Headers)+512 > limit }

func tooLarge(e *sendqueue.Entry, limit int) {
	if e.Msg.Withdrawn() {
		e.Done(driver.Unavailable, driver.ErrWithdrawn)
		return
	}
	e.Done(driver.TooLarge, fmt.Errorf("kafka: the broker takes %d bytes in a batch: %w", limit, kafkago.MessageSizeTooLarge))
}

// sweep ends what was withdrawn, and FailFast messages while the broker is away.
func (x *part) sweep() {
	away := x.p.away.Load()
	var gone []item
	x.mu.Lock()
	kept := x.waiting[:0]
	for _, it := range x.waiting[x.head:] {
		if it.Msg.Withdrawn() || away != nil && it.Msg.FailFast {
			x.bytes -= int(it.size)
			gone = append(gone, it)
			continue
		}
		kept = append(kept, it)
	}
	clear(x.waiting[len(kept):])
	x.waiting, x.head = kept, 0
	x.mu.Unlock()
	for i := range gone {
		if gone[i].Msg.Withdrawn() {
			gone[i].Done(driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		gone[i].Done(driver.Unavailable, fmt.Errorf("%w: %w", driver.ErrDisconnected, *away))
	}
}

// next returns the batch to send: the unanswered one, or a new one of what waits; nil where there is nothing. It claims.
func (x *part) next(e *encoder, self producer) (*batch, error) {
	if len(x.flying) > 0 {
		return x.sign(x.flying[0], self), nil
	}
	b := x.p.batches.get()
	x.gather(b, e)
	if len(b.entries) == 0 {
		x.p.batches.put(b)
		return nil, nil //nolint:nilnil // nothing to send is no failure
	}
	b.part, b.began = x, time.Now()
	var err error
	b.bytes, err = e.finish(producer{}, 0)
	if err != nil {
		b.done(driver.Invalid, err)
		return nil, err
	}
	x.flying = append(x.flying, b)
	return x.sign(b, self), nil
}

// sign gives a batch its sequence. One that may be stored keeps what it has.
func (x *part) sign(b *batch, self producer) *batch {
	if b.unsure {
		return b
	}
	if !x.known {
		x.producer, x.sequence, x.known = self, 0, true
	}
	b.producer, b.sequence = x.producer, x.sequence
	sign(b.bytes, b.producer, b.sequence)
	return b
}

// gather claims what fits in one batch, and encodes it.
func (x *part) gather(b *batch, e *encoder) {
	limit := min(int(x.limit.Load()), batchBytes)
	e.begin(b.bytes, x.p.cluster.wall())
	var gone []item
	x.mu.Lock()
	n := x.head
	for ; n < len(x.waiting); n++ {
		it := &x.waiting[n]
		if it.Msg.Withdrawn() {
			x.bytes -= int(it.size)
			gone = append(gone, *it)
			continue
		}
		if !e.add(it.Msg, it.mark, limit) {
			break
		}
		x.bytes -= int(it.size)
		if !it.Msg.Claim() { // withdrawn in between
			gone = append(gone, *it)
			e.undo()
			continue
		}
		b.entries, b.marks = append(b.entries, it.Entry), append(b.marks, it.mark)
	}
	clear(x.waiting[x.head:n])
	x.head = n
	if x.head == len(x.waiting) {
		x.waiting, x.head = x.waiting[:0], 0
	} else if x.head > 1024 && x.head > len(x.waiting)/2 {
		rest := copy(x.waiting, x.waiting[x.head:])
		clear(x.waiting[rest:])
		x.waiting, x.head = x.waiting[:rest], 0
	}
	x.mu.Unlock()
	for i := range gone {
		gone[i].Done(driver.Unavailable, driver.ErrWithdrawn)
	}
}

// weight is about how large the next batch is.
func (x *part) weight() int {
	if len(x.flying) > 0 {
		return len(x.flying[0].bytes)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return min(x.bytes, batchBytes)
}

// rest reports whether there is more to send; with nothing left the part belongs to nobody.
func (x *part) rest() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy = len(x.flying) > 0 || x.head < len(x.waiting)
	return x.busy
}

// abandon ends everything, once nobody sends any more.
func (x *part) abandon() {
	for _, b := range x.flying {
		b.done(driver.Unconfirmed, driver.ErrClosed)
	}
	x.flying = nil
	x.mu.Lock()
	waiting := x.waiting[x.head:]
	x.waiting, x.head, x.bytes = nil, 0, 0
	x.mu.Unlock()
	for i := range waiting {
		if waiting[i].Msg.Withdrawn() {
			waiting[i].Done(driver.Unavailable, driver.ErrWithdrawn)
			continue
		}
		waiting[i].Done(driver.Unavailable, driver.ErrClosed)
	}
}

// done gives all of a batch one fate.
func (b *batch) done(fate driver.Fate, err error) {
	if err != nil {
		err = fail("publish", b.part.topic, err)
	}
	sendqueue.DoneAll(b.entries, fate, err)
}
