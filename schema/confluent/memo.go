package confluent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/herald-go/herald/schema"
)

// memo keeps answers: good ones until there are too many, ErrUnknown for a while, any other error not at all. Concurrent questions for one key
// are asked once.
type memo[K comparable, V any] struct {
	most       int
	unknownFor time.Duration

	mu      sync.Mutex
	answers map[K]*answer[V]
}

// answer is one question and, when done is closed, what came of it.
type answer[V any] struct {
	done  chan struct{}
	value V
	err   error
	at    time.Time // of an ErrUnknown
}

func newMemo[K comparable, V any](most int, unknownFor time.Duration) *memo[K, V] {
	return &memo[K, V]{most: most, unknownFor: unknownFor, answers: make(map[K]*answer[V])}
}

// get returns the answer for key, asking for it if need be. When the asker whom others wait for is cancelled, one of them asks again.
func (m *memo[K, V]) get(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	for {
		a, isMine := m.take(key)
		if isMine {
			a.value, a.err = ask(ctx)
			m.settle(key, a)
			return a.value, a.err
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			var none V
			return none, context.Cause(ctx)
		}
		isCut := errors.Is(a.err, context.Canceled) || errors.Is(a.err, context.DeadlineExceeded)
		if !isCut || ctx.Err() != nil {
			return a.value, a.err
		}
	}
}

// take returns the answer under way or given for key, or a new one that the caller must settle.
func (m *memo[K, V]) take(key K) (a *answer[V], isMine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.answers[key]; ok && !m.isStale(a) {
		return a, false
	}
	if len(m.answers) >= m.most {
		m.drop()
	}
	a = &answer[V]{done: make(chan struct{})}
	m.answers[key] = a
	return a, true
}

// isStale reports whether an answer is no longer believed. m.mu is held.
func (m *memo[K, V]) isStale(a *answer[V]) bool {
	return !a.at.IsZero() && time.Since(a.at) >= m.unknownFor
}

// drop makes room: what is not under way goes. m.mu is held.
func (m *memo[K, V]) drop() {
	for key, a := range m.answers {
		select {
		case <-a.done:
			delete(m.answers, key)
		default:
		}
	}
}

// settle makes an answer known.
func (m *memo[K, V]) settle(key K, a *answer[V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	isUnknown := errors.Is(a.err, schema.ErrUnknown)
	if isUnknown {
		a.at = time.Now()
	}
	if a.err != nil && (!isUnknown || m.unknownFor < 0) {
		delete(m.answers, key)
	}
	close(a.done)
}

// forgetUnknown drops every ErrUnknown.
func (m *memo[K, V]) forgetUnknown() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, a := range m.answers {
		if !a.at.IsZero() {
			delete(m.answers, key)
		}
	}
}
