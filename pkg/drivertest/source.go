package drivertest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var sourceSentences = []Sentence{
	{Area: "source", Text: "a key stays in order across members", needs: []need{groups, replicas}, check: orderAcrossMembers},
	{
		Area: "source", Text: "a source that is handed over ends first, takes outcomes, and only then is lost",
		needs: []need{groups, replicas}, check: handoverWaits,
	},
	{Area: "source", Text: "what a source still holds starts nowhere else", needs: []need{groups, replicas}, check: heldStartsNowhereElse},
	{Area: "source", Text: "another number of partitions is ErrConflict", needs: []need{groups, replicas}, check: partitionsConflict},
	{
		Area: "source", Text: "partitions are refused where there is no order across replicas",
		needs: []need{groups, without(driver.FeatureReplicaOrder)}, check: partitionsRefused,
	},
}

const partitions = 4

func (g group) ordered() *member {
	g.f.Helper()
	spec := g.f.spec(g.topic, g.name)
	spec.Partitions = partitions
	return g.f.join(g.f.open(), spec)
}

// keyed returns n messages round robin over so many keys. With as many as there are slots each partition has some.
func (f *fixture) keyed(n, keys int) []*driver.Message {
	msgs := make([]*driver.Message, n)
	for i := range msgs {
		msgs[i] = f.event("key-" + strconv.Itoa(i%keys))
	}
	return msgs
}

func orderAcrossMembers(f *fixture) {
	const total, waves = 768, 6
	g := f.group()
	members := []*member{g.ordered()}
	want, got := map[string][]string{}, map[string][]string{}
	seen, all := map[string]bool{}, make(chan struct{})
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.Context()))
	var wg sync.WaitGroup
	watch := func(m *member) {
		n := 0
		wg.Go(func() {
			err := m.pump(ctx, func(msg *driver.Message) {
				if n++; n%5 == 0 { // handlers take their time, and not all the same
					f.pause(time.Millisecond)
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[msg.ID] || msg.Source.State() == driver.Gone { // who was too slow for the grace handles nothing more
					return
				}
				seen[msg.ID] = true
				got[msg.Key] = append(got[msg.Key], msg.ID)
				if len(seen) == total {
					close(all)
				}
			})
			if err != nil {
				f.Errorf("Receive: %v", err)
			}
		})
	}
	watch(members[0])
	for wave := range waves {
		msgs := f.keyed(total/waves, 9) // few, so that a key's messages are in hand side by side
		for _, msg := range msgs {
			want[msg.Key] = append(want[msg.Key], msg.ID)
		}
		g.publish(msgs...)
		if wave == 1 || wave == 3 { // members join under load
			members = append(members, g.ordered())
			watch(members[len(members)-1])
		}
	}
	f.over(all)
	cancel()
	wg.Wait()
	for key, order := range want {
		f.ordered("messages of "+key, order, got[key])
	}
}

// states follows the sources of messages in hand.
type states struct {
	mu     sync.Mutex
	seen   map[*driver.Source][]driver.SourceState
	began  map[*driver.Source]time.Time // when it was told to end
	hasty  []*driver.Source             // lost without that, or sooner after it than the grace that follow was told
	change chan struct{}                // room for one: a hint to look again
}

// follow looks at the times at which states are told, not at when the test gets to see them: the machine may be slow.
func follow(msgs []*driver.Message, grace time.Duration) *states {
	s := &states{seen: map[*driver.Source][]driver.SourceState{}, began: map[*driver.Source]time.Time{}, change: make(chan struct{}, 1)}
	for _, msg := range msgs {
		src := msg.Source
		if _, known := s.seen[src]; known {
			continue
		}
		s.seen[src] = nil
		src.Watch(func(state driver.SourceState) {
			s.mu.Lock()
			s.seen[src] = append(s.seen[src], state)
			if state == driver.Ending {
				s.began[src] = time.Now()
			}
			if began, told := s.began[src]; state == driver.Gone && (!told || time.Since(began) < grace) {
				s.hasty = append(s.hasty, src)
			}
			s.mu.Unlock()
			select {
			case s.change <- struct{}{}:
			default:
			}
		})
	}
	return s
}

// in returns the sources that have reached a state.
func (s *states) in(state driver.SourceState) []*driver.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*driver.Source
	for src, seen := range s.seen {
		for _, st := range seen {
			if st == state {
				found = append(found, src)
				break
			}
		}
	}
	return found
}

// lostHastily returns the sources that were lost within the grace so far.
func (s *states) lostHastily() []*driver.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hasty)
}

// handover brings a group to where one member holds everything and another has joined: it returns when the first source of the old member
// is ending.
func (g group) handover() (old *member, held []*driver.Message, s *states, joined <-chan *member) {
	f := g.f
	f.Helper()
	old = g.ordered()
	g.publish(f.keyed(128, driver.Slots)...)
	held = old.take(128)
	s = follow(held, f.h.Quiet)
	d := f.open()
	spec := f.spec(g.topic, g.name)
	spec.Partitions = partitions
	came := make(chan *member, 1)
	go func() { // Subscribe may wait for the handover
		ctx, cancel := f.within()
		defer cancel()
		sub, err := d.Subscribe(ctx, spec)
		if err != nil {
			f.Errorf("Subscribe of a second member: %v", err)
			came <- nil
			return
		}
		came <- &member{Subscription: sub, f: f}
	}()
	ctx, cancel := f.within()
	defer cancel()
	for len(s.in(driver.Ending))+len(s.in(driver.Gone)) == 0 {
		select {
		case <-s.change:
		case <-ctx.Done():
			f.Fatalf("a second member joined, and no source of the first one is ending after %v", f.h.Patience)
		}
	}
	f.pause(f.h.Quiet) // let the other sources end, and a driver that does not wait lose them
	return old, held, s, came
}

func from(held []*driver.Message, sources []*driver.Source) (inside, outside []*driver.Message) {
	of := map[*driver.Source]bool{}
	for _, src := range sources {
		of[src] = true
	}
	for _, msg := range held {
		if of[msg.Source] {
			inside = append(inside, msg)
		} else {
			outside = append(outside, msg)
		}
	}
	return inside, outside
}

func handoverWaits(f *fixture) {
	g := f.group()
	old, held, s, joined := g.handover()
	if hasty := s.lostHastily(); len(hasty) > 0 {
		f.Errorf("source %s was lost within %v while its messages were in hand", hasty[0].Name(), f.h.Quiet)
	}
	ending := s.in(driver.Ending)
	given, kept := from(held, ending)
	if len(kept) == 0 {
		f.Errorf("all %d partitions leave the first member", partitions)
	}
	old.settle(driver.Ack, given...)
	f.eventually(func() (bool, string) {
		return len(s.in(driver.Gone)) >= len(ending), "everything is settled, and the source is still not given up"
	})
	old.settle(driver.Ack, kept...)
	f.noteStates(s)
	next := <-joined
	if next == nil {
		return
	}
	second := f.keyed(128, driver.Slots)
	g.publish(second...)
	seen := newShared(128)
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.Context()))
	var wg sync.WaitGroup
	for _, m := range []*member{old, next} {
		wg.Go(func() {
			if err := m.pump(ctx, func(msg *driver.Message) { seen.add(msg.ID) }); err != nil {
				f.Errorf("Receive: %v", err)
			}
		})
	}
	f.over(seen.sum)
	f.pause(f.h.Quiet)
	cancel()
	wg.Wait()
	f.same("what came after the handover", ids(second), seen.all())
}

// noteStates demands that each source went Ending, then Gone, each once.
func (f *fixture) noteStates(s *states) {
	f.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for src, seen := range s.seen {
		got := fmt.Sprint(seen)
		if len(seen) > 0 && got != fmt.Sprint([]driver.SourceState{driver.Ending, driver.Gone}) {
			f.Errorf("source %s went through the states %s, want ending (1) and then gone (2)", src.Name(), got)
		}
	}
}

func heldStartsNowhereElse(f *fixture) {
	g := f.group()
	old, held, s, joined := g.handover()
	given, kept := from(held, s.in(driver.Ending))
	first := map[string]*driver.Source{}
	for _, msg := range given {
		first[msg.ID] = msg.Source
	}
	// The new member must not start what the old one still runs.
	select {
	case next := <-joined:
		if next == nil {
			return
		}
		batch, err := next.receive(f.h.Quiet, len(held))
		if err != nil {
			break // nothing came, as it should be
		}
		for _, msg := range batch {
			if src := first[msg.ID]; src != nil && src.State() != driver.Gone {
				f.Errorf("%s starts at the new member while the old one holds it", msg.ID)
				break
			}
		}
		next.settle(driver.Ack, batch...)
	default: // Subscribe itself waits for the handover, so nothing can have started
	}
	old.settle(driver.Ack, given...)
	old.settle(driver.Ack, kept...)
}

func partitionsConflict(f *fixture) {
	g := f.group()
	m := g.ordered()
	for _, n := range []int{partitions * 2, 1} {
		spec := f.spec(g.topic, g.name)
		spec.Partitions = n
		f.refused(f.open(), spec, driver.ErrConflict)
	}
	g.ordered().leave()
	msgs := f.events(3, "k")
	g.publish(msgs...)
	f.ordered("after a conflict", ids(msgs), idsOf(m.drain(3)))
}

func partitionsRefused(f *fixture) {
	d, topic := f.open(), f.name("t")
	spec := f.spec(topic, f.name("g"))
	spec.Partitions = partitions
	f.refused(d, spec, driver.ErrUnsupported)
	f.want(f.send(d, f.to(topic), f.event("k")), driver.Unroutable) // nothing was declared
}
