package chaos

import (
	"context"
	"sync"
)

// gate stops what passes it. The zero value is shut.
type gate struct {
	mu     sync.Mutex
	closed chan struct{} // closed when the gate opens; nil while it is open
	isOpen bool
	inside int
	empty  chan struct{} // closed when nobody is inside; nil while nobody waits for it
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isOpen && g.closed != nil {
		close(g.closed)
	}
	g.isOpen, g.closed = true, nil
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOpen || g.closed == nil {
		g.isOpen, g.closed = false, make(chan struct{})
	}
}

// enter passes the gate when it is open; false when ctx ended before. Who is in must leave.
func (g *gate) enter(ctx context.Context) bool {
	for ctx.Err() == nil {
		g.mu.Lock()
		if g.isOpen {
			g.inside++
			g.mu.Unlock()
			return true
		}
		opens := g.closed
		g.mu.Unlock()
		select {
		case <-opens:
		case <-ctx.Done():
			return false
		}
	}
	return false
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// rest waits until nobody is inside.
func (g *gate) rest(ctx context.Context) {
	g.mu.Lock()
	if g.inside == 0 {
		g.mu.Unlock()
		return
	}
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	empty := g.empty
	g.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
