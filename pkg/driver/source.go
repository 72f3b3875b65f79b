package driver

import (
	"slices"
	"sync"
	"sync/atomic"
)

// SourceState is the state of a Source.
type SourceState uint32

// States of a source, in the only order in which they follow.
const (
	// Live: messages may be started and settled.
	Live SourceState = iota
	// Ending: about to be taken away. Nothing new may start; what runs may finish and settle.
	Ending
	// Gone: lost. Outcomes are no-ops from now on.
	Gone
)

// Source is what messages are held from: a connection, a partition, a lease. One value is one epoch of it: after a reconnect or a new
// assignment there is a new Source. It is safe for concurrent use.
type Source struct {
	name  string
	state atomic.Uint32

	mu       sync.Mutex
	watchers []func(SourceState)
	untold   []told
	telling  bool // somebody is at it, and goes on until untold is empty
}

// told is a state that some watchers are still to hear of.
type told struct {
	state    SourceState
	watchers []func(SourceState)
}

// NewSource returns a live source. The name is for people.
func NewSource(name string) *Source { return &Source{name: name} }

// Name returns the name given to NewSource.
func (s *Source) Name() string { return s.name }

// State returns the present state. It costs one atomic load.
func (s *Source) State() SourceState { return SourceState(s.state.Load()) }

// Watch registers f to be called with each later state, once per state and in their order; if the source is not live any more, f is called
// with the present state. f is called from Watch, or from the goroutine that changes the state, or from one that is just telling other
// watchers. It must not block.
func (s *Source) Watch(f func(SourceState)) {
	s.mu.Lock()
	s.watchers = append(s.watchers, f)
	if state := s.State(); state != Live {
		s.untold = append(s.untold, told{state, []func(SourceState){f}})
	}
	s.tell()
}

// End announces that the source is about to be taken away. It is for drivers, is idempotent, and does nothing once the source is gone.
func (s *Source) End() { s.advance(Ending) }

// Lose tells that the source is gone. It is for drivers and idempotent.
func (s *Source) Lose() { s.advance(Gone) }

func (s *Source) advance(to SourceState) {
	s.mu.Lock()
	if s.State() >= to {
		s.mu.Unlock()
		return
	}
	s.state.Store(uint32(to))
	s.untold = append(s.untold, told{to, slices.Clip(s.watchers)})
	if to == Gone {
		s.watchers = nil // nothing follows, and watchers hold subscriptions
	}
	s.tell()
}

// tell calls the watchers that are still to hear of something, and unlocks s.mu, which is held. One goroutine tells at a time, so that they
// hear the states in order; another that comes meanwhile, or a watcher that changes the state itself, leaves its news to that one.
func (s *Source) tell() {
	if s.telling {
		s.mu.Unlock()
		return
	}
	s.telling = true
	for len(s.untold) > 0 {
		next := s.untold[0]
		s.untold = s.untold[1:]
		s.mu.Unlock()
		for _, f := range next.watchers {
			f(next.state)
		}
		s.mu.Lock()
	}
	s.telling = false
	s.mu.Unlock()
}
