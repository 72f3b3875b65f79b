package messaging

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Subscription is one handler at work: one member of a group, or one broadcast reader. It is safe for concurrent use.
type Subscription struct {
	broker  *Broker
	topic   string
	options subscribeOptions
	handler Handler // with its middleware
	batch   *Batch  // in its place
	filter  filter
	driver  driver.Subscription
	log     *slog.Logger

	base    time.Time // what started and armed count from
	scope   *scope
	armed   atomic.Int64  // when the clerk wakes next
	halted  atomic.Bool   // nothing new starts
	purge   atomic.Bool   // a source is ending or gone
	hold    time.Duration // how long an event may wait here; 0 is for ever
	sweep   int64         // when the clerk next looks for what is held too long; its own
	handing atomic.Bool   // what was held too long is being sent
	slow    atomic.Bool   // handlers wait for something: intake has time to decode ahead of them
	room    chan struct{}
	poke    chan struct{} // wakes the clerk
	workers []*worker

	door   sync.Mutex // held while messages are taken in
	shut   bool       // nothing is taken in any more
	source *driver.Source

	mu        sync.Mutex
	lanes     lanes
	items     sync.Pool // of items that have had their outcome
	originals sync.Pool // of copies of bodies, likewise
	idle      []*worker
	busy      int // workers with a lane
	held      int // in hand and unsettled
	heldBytes int
	hungry    bool // intake waits for room
	closing   bool // workers end
	moving    map[*move]struct{}
	moved     []*move
	quiet     chan struct{} // closed when nothing runs and nothing moves; nil while nobody waits
	err       error

	endOpening context.CancelCauseFunc
	opened     chan struct{} // closed when the driver has answered
	endIntake  context.CancelCauseFunc
	endMoves   context.CancelFunc
	intake     sync.WaitGroup
	running    sync.WaitGroup // workers
	clerks     sync.WaitGroup
	ended      chan struct{} // closed when it has failed for good
	done       chan struct{} // closed when the subscription has ended for good
	closer     sync.Once
	closeErr   error
}

// Topic returns the topic.
func (s *Subscription) Topic() string { return s.topic }

// Group returns the group; empty for a broadcast.
func (s *Subscription) Group() string { return s.options.group }

// Done is closed when the subscription has been closed.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Failed is closed when the subscription has ended for good by itself; Err then says why. It is still to be closed.
func (s *Subscription) Failed() <-chan struct{} { return s.ended }

// Err returns why the subscription ended for good by itself; nil while it works and after a Close.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// start begins the work. ctx gives handlers its values and is never cancelled.
func (s *Subscription) start(ctx context.Context) {
	s.base = time.Now()
	s.scope = &scope{parent: ctx, base: s.base, draining: make(chan struct{})}
	s.armed.Store(never)
	s.room, s.poke, s.done, s.ended = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	s.lanes.active = make(map[string]*lane)
	s.moving = make(map[*move]struct{})
	s.setHold()

	intake, endIntake := context.WithCancelCause(ctx)
	moves, endMoves := context.WithCancel(ctx)
	s.endIntake, s.endMoves = endIntake, endMoves

	s.busy = s.options.concurrency // until each has found nothing to do
	for range s.options.concurrency {
		s.workers = append(s.workers, &worker{s: s, wake: make(chan struct{}, 1)})
	}
	s.running.Add(len(s.workers))
	for _, w := range s.workers {
		go w.work(moves)
	}
	s.clerks.Add(1)
	go s.clerk(moves)
	s.intake.Add(1)
	go s.take(intake)
}

// take is the intake: it asks the driver for as much as there is room for, until it is told to stop.
func (s *Subscription) take(ctx context.Context) {
	defer s.intake.Done()
	for {
		count, bytes, ok := s.awaitRoom(ctx)
		if !ok {
			return
		}
		msgs, err := s.driver.Receive(ctx, count, bytes)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, io.EOF) {
				s.fail(err)
			}
			return
		}
		s.deliver(msgs)
	}
}

// deliver takes messages in, from the intake or straight from the driver, unless intake has ended.
func (s *Subscription) deliver(msgs []*driver.Message) bool {
	s.door.Lock()
	defer s.door.Unlock()
	if s.shut {
		return false
	}
	s.source = s.watch(msgs, s.source)
	s.admit(msgs)
	return true
}

// awaitRoom waits until the window has room and returns how much.
func (s *Subscription) awaitRoom(ctx context.Context) (count, bytes int, ok bool) {
	for ctx.Err() == nil {
		s.mu.Lock()
		count, bytes = s.options.window-s.held, s.options.windowBytes-s.heldBytes
		s.hungry = count <= 0 || bytes <= 0
		hungry := s.hungry
		s.mu.Unlock()
		if !hungry {
			return count, bytes, true
		}
		select {
		case <-s.room:
		case <-ctx.Done():
		}
	}
	return 0, 0, false
}

// watch follows the sources of a batch. Most batches have the source of the one before.
func (s *Subscription) watch(msgs []*driver.Message, last *driver.Source) *driver.Source {
	for _, m := range msgs {
		if m.Source == last {
			continue
		}
		last = m.Source
		if s.broker.watched(s, last) {
			last.Watch(func(driver.SourceState) {
				s.purge.Store(true)
				s.wakeClerk()
			})
		}
	}
	return last
}

// admit takes a batch into the window and its lanes. What the filter does not want is settled here.
func (s *Subscription) admit(msgs []*driver.Message) {
	var skipped []driver.Outcome
	items := make([]*item, 0, len(msgs))
	var now int64
	if s.hold > 0 {
		now = s.now()
	}
	for _, m := range msgs {
		if m.Type != "" && !m.Inbox && !s.filter.match(m.Type) {
			skipped = append(skipped, driver.Outcome{Message: m, Verdict: driver.Ack})
			continue
		}
		it := s.newItem(m)
		it.since = now
		if s.slow.Load() {
			it.attempt, it.broken = s.newAttempt(it)
		}
		items = append(items, it)
	}
	s.mu.Lock()
	ready := 0
	for _, it := range items {
		s.held++
		s.heldBytes += it.size
		more, gatherer := s.lanes.add(it)
		if more {
			ready++
		}
		if gatherer != nil {
			s.wake(gatherer)
		}
	}
	s.rouse(ready)
	s.mu.Unlock()
	if s.hold > 0 {
		s.arm(now + int64(s.hold/sweepShare))
	}
	if skipped != nil {
		s.broker.stats.skipped.Add(int64(len(skipped)))
		s.driver.Settle(skipped)
	}
}

// rouse wakes a worker for ready lanes; that one wakes the next while there is more. s.mu is held.
func (s *Subscription) rouse(ready int) {
	if n := len(s.idle); ready > 0 && n > 0 {
		w := s.idle[n-1]
		s.idle = s.idle[:n-1]
		w.wake <- struct{}{}
	}
}

// wake wakes a worker if it is idle. s.mu is held.
func (s *Subscription) wake(w *worker) {
	if i := slices.Index(s.idle, w); i >= 0 {
		s.idle = slices.Delete(s.idle, i, i+1)
		w.wake <- struct{}{}
	}
}

// settle hands outcomes to the driver and gives their room back.
func (s *Subscription) settle(outcomes []driver.Outcome, bytes int) {
	if len(outcomes) == 0 {
		return
	}
	n := len(outcomes)
	s.driver.Settle(outcomes)
	s.mu.Lock()
	s.held -= n
	s.heldBytes -= bytes
	s.feed()
	s.mu.Unlock()
}

// feed wakes a hungry intake once enough has become free for a batch, or when nothing else is left to do. s.mu is held.
func (s *Subscription) feed() {
	if !s.hungry {
		return
	}
	free := s.options.window - s.held
	if free < max(1, s.options.window/8) && s.lanes.ready.len() > 0 || s.heldBytes >= s.options.windowBytes {
		return
	}
	s.hungry = false
	select {
	case s.room <- struct{}{}:
	default:
	}
}

// fail ends the subscription for good: the driver will hand out nothing more.
func (s *Subscription) fail(err error) {
	s.mu.Lock()
	s.err = &Error{Op: "receive", Broker: s.broker.name, Topic: s.topic, Err: err}
	close(s.ended)
	s.mu.Unlock()
	s.broker.failed(s)
}

func (s *Subscription) wakeClerk() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}
