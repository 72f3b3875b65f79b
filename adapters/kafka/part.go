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
// seeker; that one alone touches flying, producer and sequence.
type part struct {
	p      *publisher
	topic  string
	number int
	limit  atomic.Int64 // the largest batch that the topic takes

	flying   []*batch // claimed and unanswered: the first is on its way, the others are its split-off tail
	producer producer // id 0 with sequence 0 asks for an identity
	known    bool     // the producer is set
	sequence int32

	mu      sync.Mutex // guards what follows
	waiting []item     // from head on
	head    int
	busy    bool // belongs to a sender or the seeker
}

// item is a message that waits.
type item struct {
	sendqueue.Entry
	mark
}

// batch is a run of claimed messages as they were or will be written. Its bytes are its own.
type batch struct {
	part     *part
	items    []item
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
		x.waiting = append(x.waiting, item{e, k})
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
	items := x.gather(e)
	if len(items) == 0 {
		return nil, nil //nolint:nilnil // nothing to send is no failure
	}
	b := &batch{part: x, items: items, began: time.Now()}
	var err error
	b.bytes, err = e.finish(time.Now().UnixMilli(), producer{}, 0)
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

// gather claims what fits in one batch.
func (x *part) gather(e *encoder) []item {
	limit := min(int(x.limit.Load()), batchBytes)
	e.begin()
	var gone []item
	x.mu.Lock()
	n := x.head
	for ; n < len(x.waiting); n++ {
		it := &x.waiting[n]
		if it.Msg.Withdrawn() {
			gone = append(gone, *it)
			it.Msg = nil
			continue
		}
		if !e.add(it.Msg, it.mark, limit) {
			break
		}
		if !it.Msg.Claim() { // withdrawn in between: it is out of the batch only if it was the only one
			it.Msg = nil
			gone = append(gone, *it)
			e.undo()
		}
	}
	items := make([]item, 0, n-x.head)
	for i := x.head; i < n; i++ {
		if x.waiting[i].Msg != nil {
			items = append(items, x.waiting[i])
		}
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
	return items
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
	x.waiting, x.head = nil, 0
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
	entries := make([]sendqueue.Entry, len(b.items))
	for i := range b.items {
		entries[i] = b.items[i].Entry
	}
	b.items = nil
	sendqueue.DoneAll(entries, fate, err)
}
