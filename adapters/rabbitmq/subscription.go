package rabbitmq

import (
	"context"
	"crypto/rand"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// subscription is one member of a group, or one broadcast reader: a tap for each queue that it reads.
type subscription struct {
	d          *Driver
	spec       driver.Spec
	id         string // tells this member from others
	partitions int    // 0 for one queue without order across members
	born       bool   // the group did not exist before
	told       bool   // that it did, and lost its queue
	base       time.Time
	taps       []*tap
	cancel     context.CancelFunc // ends what waits; Close calls it
	stopping   chan struct{}      // closed by Stop
	closing    chan struct{}      // closed by Close
	done       chan struct{}      // closed when nothing is left
	wake       chan struct{}      // a hint for Receive

	mu       sync.Mutex // guards what follows, and the holds of the taps
	ready    []*driver.Message
	head     int
	out      int // handed out and unsettled
	outBytes int
	came     uint64 // through the topic, ever
	again    uint64 // through the inbox, ever
	stopped  bool
	closed   bool
	waiting  bool // a Receive waits
	passing  bool // what has come is being handed over without it
}

// Subscribe implements driver.Driver.
func (d *Driver) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	s, err := d.subscribe(ctx, spec)
	if err != nil {
		return nil, fail("subscribe", spec.Topic, explain(err))
	}
	return s, nil
}

func (d *Driver) subscribe(ctx context.Context, spec driver.Spec) (*subscription, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	if err := d.serves(&spec); err != nil {
		return nil, err
	}
	s := &subscription{
		d: d, spec: spec, id: rand.Text(), base: time.Now(), stopping: make(chan struct{}), closing: make(chan struct{}), done: make(chan struct{}),
		wake: make(chan struct{}, 1),
	}
	if err := d.ask(ctx, func(k *desk) error { return s.declare(ctx, k) }); err != nil {
		return nil, err
	}
	if s.born {
		if err := d.register(ctx, spec.Topic, spec.Group); err != nil {
			return nil, err
		}
	}
	if err := s.start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	for _, t := range s.taps {
		select {
		case err := <-t.opened:
			if err != nil {
				s.abandon()
				return nil, err
			}
		case <-s.closing:
			s.abandon()
			return nil, driver.ErrClosed
		case <-ctx.Done():
			s.abandon()
			return nil, context.Cause(ctx)
		}
	}
	return s, nil
}

// serves checks what can be checked without the broker.
func (d *Driver) serves(spec *driver.Spec) error {
	if err := spec.Check(); err != nil {
		return err
	}
	switch {
	case spec.Start.Kind != driver.StartDefault && spec.Start.Kind != driver.StartNewest:
		return because(driver.ErrUnsupported, errStartRefused)
	case d.cfg.Exchange == ExchangeDirect && !literal(spec.Types):
		return because(driver.ErrUnsupported, errDirectPatterns)
	}
	return nil
}

// literal reports whether there are types, none of them a pattern.
func literal(types []string) bool {
	for _, t := range types {
		for word := range strings.SplitSeq(t, ".") {
			if word == "*" || word == "#" {
				return false
			}
		}
	}
	return len(types) > 0
}

// declare makes what the subscription reads from. It may run twice.
func (s *subscription) declare(ctx context.Context, k *desk) error {
	cfg := &s.d.cfg
	if err := s.d.declareTopic(ctx, k, cfg, s.spec.Topic, false); err != nil || s.spec.Broadcast {
		return err
	}
	n, exists, err := k.settlePartitions(s.spec.Topic, s.spec.Group, s.spec.Partitions)
	if err != nil {
		return err
	}
	s.partitions, s.born = n, s.born || !exists && cfg.Declare == DeclareCreate
	if s.born {
		if err := s.missed(k); err != nil {
			return err
		}
	}
	return k.declareGroup(cfg, s.spec.Topic, s.spec.Group, s.spec.Types, n)
}

// missed tells of a group whose queue was deleted while no member was there: the queues where its messages wait are still there.
func (s *subscription) missed(k *desk) error {
	_, there, err := k.look(tierQueue(s.spec.Topic, s.spec.Group, ladder[0]))
	if err != nil || !there || s.told {
		return err
	}
	n, err := k.partitions(s.spec.Topic, s.spec.Group)
	if err == nil && n < 0 { // else another member has just made the group, its queue first
		s.told = true
		s.tell(gapNotice(groupQueue(s.spec.Topic, s.spec.Group)))
	}
	return err
}

// gapNotice tells of a queue that was deleted, with whatever stood in it.
func gapNotice(queue string) driver.Notice {
	return driver.Notice{Kind: driver.Gap, Count: -1, Detail: "queue " + queue + ": messages may have been lost", Err: errQueueGone}
}

// start begins to consume.
func (s *subscription) start(ctx context.Context) error {
	ctx, s.cancel = context.WithCancel(ctx)
	s.d.mu.Lock()
	if s.d.closed {
		s.d.mu.Unlock()
		s.cancel()
		return driver.ErrClosed
	}
	s.d.subs[s] = struct{}{}
	s.d.mu.Unlock()
	var all sync.WaitGroup
	for _, queue := range s.queues() {
		t := newTap(s, queue)
		s.taps = append(s.taps, t)
	}
	for _, t := range s.taps {
		all.Go(func() { t.run(ctx) })
	}
	if !s.spec.Broadcast {
		all.Go(func() { s.keepMember(ctx) })
	}
	go func() {
		all.Wait()
		s.d.mu.Lock()
		delete(s.d.subs, s)
		s.d.mu.Unlock()
		close(s.done)
	}()
	return nil
}

func (s *subscription) queues() []string {
	if s.spec.Broadcast {
		return []string{""} // each connection gives it another
	}
	if s.partitions == 0 {
		return []string{groupQueue(s.spec.Topic, s.spec.Group)}
	}
	all := make([]string, s.partitions)
	for p := range all {
		all[p] = partitionQueue(s.spec.Topic, s.spec.Group, p)
	}
	return all
}

// abandon closes without waiting: the driver's Close does.
func (s *subscription) abandon() {
	s.Stop()
	s.shut()
}

// ordered reports whether messages come from partitions, so that none may be taken out of its order.
func (s *subscription) ordered() bool { return s.partitions > 0 }

// prefetch is the window of one tap.
func (s *subscription) prefetch() int {
	n := min(s.spec.Window, max(1, s.spec.WindowBytes/s.d.cfg.MessageEstimate), maxPrefetch)
	if s.d.cfg.Prefetch > 0 {
		n = min(n, s.d.cfg.Prefetch)
	}
	return max(1, n/len(s.taps))
}

// Receive implements driver.Subscription.
func (s *subscription) Receive(ctx context.Context, most, maxBytes int) ([]*driver.Message, error) {
	for {
		batch, over := s.next(most, maxBytes)
		if len(batch) > 0 {
			return batch, nil
		}
		if over {
			return nil, io.EOF
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
		}
	}
}

// next hands out what is ready and fits.
func (s *subscription) next(most, maxBytes int) (batch []*driver.Message, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	if s.stopped {
		return nil, true
	}
	if !s.passing {
		batch = s.draw(most, maxBytes)
	}
	s.waiting = len(batch) == 0
	return batch, false
}

// draw takes out what is ready and fits. The lock is held.
func (s *subscription) draw(most, maxBytes int) (batch []*driver.Message) {
	if s.head < len(s.ready) {
		batch = make([]*driver.Message, 0, min(most, len(s.ready)-s.head))
	}
	for bytes := 0; s.head < len(s.ready) && len(batch) < most && s.out < s.spec.Window; {
		m := s.ready[s.head]
		size := len(m.Body)
		if bytes+size > maxBytes && len(batch) > 0 || s.out > 0 && s.outBytes+size > s.spec.WindowBytes {
			break
		}
		bytes += size
		s.ready[s.head] = nil
		s.head++
		s.out++
		s.outBytes += size
		h := m.Ref.(*hold)
		h.out++
		h.outBytes += size
		batch = append(batch, m)
	}
	if s.head == len(s.ready) {
		s.ready, s.head = s.ready[:0], 0
	}
	return batch
}

// Settle implements driver.Subscription.
func (s *subscription) Settle(outcomes []driver.Outcome) {
	s.mu.Lock()
	var last *hold
	for i := range outcomes {
		m := outcomes[i].Message
		h, ours := m.Ref.(*hold)
		if !ours || h.gone || h.tap.sub != s {
			continue
		}
		if h != last && last != nil {
			last.remind()
		}
		last = h
		h.settle(m, outcomes[i].Verdict)
	}
	if last != nil {
		last.remind()
	}
	s.mu.Unlock()
	if last != nil {
		s.hint()
	}
}

// hint wakes Receive.
func (s *subscription) hint() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// passMost is how many messages are handed over straight: that is for when little comes, and each waits for nothing but a goroutine to wake.
// Of more the connection's reader leaves the rest of the work to Receive, and goes on reading.
const passMost = 16

// pass hands over what is ready, in the goroutine that has read it, where a Receive waits and would hand out nothing else; else it wakes
// Receive.
func (s *subscription) pass() {
	s.mu.Lock()
	if !s.waiting || s.passing || s.spec.Deliver == nil || len(s.ready)-s.head > passMost || s.stopped {
		s.mu.Unlock()
		s.hint()
		return
	}
	batch := s.draw(passMost, s.spec.WindowBytes)
	s.passing = len(batch) > 0
	s.mu.Unlock()
	if len(batch) == 0 {
		s.hint()
		return
	}
	s.spec.Deliver(batch)
	s.mu.Lock()
	s.passing = false
	more := s.head < len(s.ready)
	s.mu.Unlock()
	if more {
		s.hint()
	}
}

// Stop implements driver.Subscription.
func (s *subscription) Stop() {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.stopping)
	}
	s.mu.Unlock()
	s.hint()
}

// shut begins the end; it is idempotent.
func (s *subscription) shut() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.cancel()
}

// Close implements driver.Subscription.
func (s *subscription) Close(ctx context.Context) error {
	s.Stop()
	s.shut()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-s.done:
		return nil
	default:
		return fail("close subscription", s.spec.Topic, context.Cause(ctx))
	}
}

// tell passes a notice of this subscription on.
func (s *subscription) tell(n driver.Notice) {
	if s.spec.Notify == nil {
		return
	}
	n.Topic, n.Group = s.spec.Topic, s.spec.Group
	s.spec.Notify(n)
}
