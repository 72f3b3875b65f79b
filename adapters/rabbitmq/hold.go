package rabbitmq

import (
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/watermark"
	"github.com/herald-go/herald/pkg/driver"
)

const (
	// lateAfter is how old the oldest unfinished message may be before what is finished behind it is acknowledged one by one, so that one slow
	// handler does not stop intake.
	lateAfter = 100 * time.Millisecond
	// acksPerWindow is how often a window that is used up is acknowledged.
	acksPerWindow = 4
	// gatherFor is how long a finished run may grow before it is acknowledged.
	gatherFor = 3 * time.Millisecond
)

// hold is what one channel has brought: one epoch of a tap. The subscription's lock guards it, but for ch, source and the channels.
type hold struct {
	tap        *tap
	source     *driver.Source
	ch         *amqp.Channel
	deliveries <-chan amqp.Delivery // brings nothing, and is closed when nothing comes any more
	closed     <-chan *amqp.Error
	cancelled  <-chan string
	tag        string
	split      *splitter
	prefetch   int
	settled    chan struct{} // a hint for the tap
	arriving   batch         // what has come in this read
	counts     bool          // the broker counts deliveries
	inbox      string        // an exchange through which the inbox is reached, beside the default one

	window watermark.Window
	gone   bool // outcomes are no-ops from now on
	active bool // something has come
	ending bool // another member gets the partition: what comes now is not for this one
	timed  bool // the tap looks again soon by itself
	fresh  int  // settled since it looked last

	fromTopic, fromInbox int64 // unfinished, by the way they came
	out                  int   // handed out and unsettled
	outBytes             int
	sents                []int64             // when what is in the window was sent, by its publisher's clock, in ms
	loose                []uint64            // finished behind something unfinished
	released             []uint64            // to be given back
	apart                map[uint64]struct{} // settled on their own
	upTo                 uint64              // the last tag to acknowledge of the finished run
	run                  int                 // how many tags the run has
	acks                 int                 // and how many of them wait for the acknowledgement
	since                time.Time           // when the run began
}

// poke tells the tap that there are outcomes.
func (h *hold) poke() {
	select {
	case h.settled <- struct{}{}:
	default:
	}
}

// remind pokes the tap unless it will look soon enough by itself.
func (h *hold) remind() {
	if !h.timed || h.ending || len(h.released) > 0 || h.fresh*acksPerWindow >= h.prefetch {
		h.poke()
	}
}

// settle notes an outcome.
func (h *hold) settle(m *driver.Message, v driver.Verdict) {
	h.fresh++
	h.out--
	h.outBytes -= len(m.Body)
	h.tap.sub.out--
	h.tap.sub.outBytes -= len(m.Body)
	if v == driver.Release {
		h.release(m)
		return
	}
	head, _, _ := h.window.Head()
	if h.finished(m) && m.Seq != head {
		h.loose = append(h.loose, m.Seq)
	}
}

// add takes a delivery in.
func (h *hold) add(m *driver.Message, sent, now int64) {
	h.window.Add(m.Seq, now)
	h.sents = append(h.sents, sent)
	h.came(m)
}

// came counts a message that is in hand from now on.
func (h *hold) came(m *driver.Message) {
	h.count(m, 1)
	if m.Inbox {
		h.tap.sub.again++
		return
	}
	h.tap.sub.came++
}

// finished takes a message out, whatever becomes of it.
func (h *hold) finished(m *driver.Message) bool {
	if !h.window.Done(m.Seq) {
		return false
	}
	h.count(m, -1)
	return true
}

func (h *hold) count(m *driver.Message, n int64) {
	if m.Inbox {
		h.fromInbox += n
	} else {
		h.fromTopic += n
	}
}

// oldest is when the oldest unfinished message was sent; 0 when there is none.
func (h *hold) oldest() int64 {
	if h.fromTopic+h.fromInbox == 0 || len(h.sents) == 0 {
		return 0
	}
	return h.sents[0]
}

// release gives a message back. In a partition it stays where it is until the channel closes: what comes after it must not overtake it.
func (h *hold) release(m *driver.Message) {
	if h.tap.sub.ordered() || !h.finished(m) {
		return
	}
	h.released = append(h.released, m.Seq)
	h.setApart(m.Seq)
}

func (h *hold) setApart(tag uint64) {
	if h.apart == nil {
		h.apart = make(map[uint64]struct{})
	}
	h.apart[tag] = struct{}{}
}

// frames is what is to be told to the broker.
type frames struct {
	upTo    uint64 // 0: nothing
	singles []uint64
	nacks   []uint64
	acks    int
}

// due returns what is to be told now, and how long until there may be more; 0 is never. all leaves nothing behind.
func (h *hold) due(now time.Time, all bool) (f frames, wait time.Duration) {
	if upTo, n := h.window.Advance(); n > 0 {
		if h.acks == 0 {
			h.since, h.run = now, 0
		}
		h.run += n
		h.sents = h.sents[n:]
		h.finish(upTo, n)
	}
	f.nacks, h.released = h.released, nil
	if age := now.Sub(h.since); h.acks > 0 && (all || h.run*acksPerWindow >= h.prefetch || age >= gatherFor) {
		f.upTo, f.acks = h.upTo, h.acks
		h.run, h.acks = 0, 0
	} else if h.acks > 0 {
		wait = gatherFor - age
	}
	_, since, held := h.window.Head()
	if !held || len(h.loose) == 0 {
		return f, wait
	}
	age := now.Sub(h.tap.sub.base) - time.Duration(since)
	if all || age >= lateAfter || len(h.loose)*2 >= h.prefetch {
		f.singles, h.loose = h.loose, nil
		f.acks += len(f.singles)
		for _, tag := range f.singles {
			h.setApart(tag)
		}
	} else if wait == 0 || lateAfter-age < wait {
		wait = lateAfter - age
	}
	return f, wait
}

// finish takes a finished run of n tags in. The tag to acknowledge is the last that was not settled on its own: the broker refuses one that it
// does not wait for, even beside others.
func (h *hold) finish(upTo uint64, n int) {
	last, apart := uint64(0), 0
	for i := range uint64(n) { //nolint:gosec // not negative
		if _, ok := h.apart[upTo-i]; ok {
			delete(h.apart, upTo-i)
			apart++
		} else if last == 0 {
			last = upTo - i
		}
		if len(h.apart) == 0 && last != 0 {
			break
		}
	}
	if last != 0 {
		h.upTo = last
		h.acks += n - apart
	}
	kept := h.loose[:0]
	for _, tag := range h.loose {
		if tag > upTo {
			kept = append(kept, tag)
		}
	}
	h.loose = kept
}

// write tells the broker. Errors mean that the channel is gone, and with it everything that is held.
func (f *frames) write(ch *amqp.Channel) error {
	for _, tag := range f.nacks { // before the run that they may lie in
		if err := ch.Nack(tag, false, true); err != nil {
			return err
		}
	}
	for _, tag := range f.singles {
		if err := ch.Ack(tag, false); err != nil {
			return err
		}
	}
	if f.upTo > 0 {
		return ch.Ack(f.upTo, true)
	}
	return nil
}
