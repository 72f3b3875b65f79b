package driver

import (
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

	telling  sync.Mutex // held while watchers are told, so that they hear the states in order
	mu       sync.Mutex
	watchers []func(SourceState)
}

// NewSource returns a live source. The name is for people.
func NewSource(name string) *Source { return &Source{name: name} }

// Name returns the name given to NewSource.
func (s *Source) Name() string { return s.name }

// State returns the present state. It costs one atomic load.
func (s *Source) State() SourceState { return SourceState(s.state.Load()) }

// Watch registers f to be called with each later state, once per state and in their order, from the goroutine that changes it; if the source
// is not live any more, f is called at once with the present state. f must not block and must not call Watch, End or Lose of this source.
func (s *Source) Watch(f func(SourceState)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	state := s.State()
	s.watchers = append(s.watchers, f)
	s.mu.Unlock()
	if state != Live {
		f(state)
	}
}

// End announces that the source is about to be taken away. It is for drivers, is idempotent, and does nothing once the source is gone.
func (s *Source) End() { s.advance(Ending) }

// Lose tells that the source is gone. It is for drivers and idempotent.
func (s *Source) Lose() { s.advance(Gone) }

func (s *Source) advance(to SourceState) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	if s.State() >= to {
		s.mu.Unlock()
		return
	}
	s.state.Store(uint32(to))
	watchers := s.watchers
	if to == Gone {
		s.watchers = nil // nothing follows, and watchers hold subscriptions
	}
	s.mu.Unlock()
	for _, f := range watchers {
		f(to)
	}
}
