package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

// gate paces the dialling of one address. While nothing speaks against the address, whoever wants a connection dials. Once one has failed, a
// single dial at a time goes through, after pauses that grow with each failure, for all who wait: how often a broker that is away is dialled
// does not depend on how much of the driver waits for it. That something accepts a connection is no success: it must greet, and the pauses
// begin anew only once a request has been answered. It is safe for concurrent use.
type gate struct {
	turn chan struct{} // of capacity 1: held by whoever dials in doubt

	mu       sync.Mutex // guards what follows
	doubt    bool
	pause    *backoff.Backoff
	next     time.Time // no dial in doubt before that
	failures int
	err      error // the latest failure
}

func newGate() *gate {
	return &gate{turn: make(chan struct{}, 1), pause: backoff.New(retryFirst, retryMost)}
}

// enter waits until the caller may dial, and returns what to call when that is over. A dial that failed meanwhile counts for the caller too.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	_, failures, doubt := g.state()
	if !doubt {
		return func() {}, nil
	}
	select {
	case g.turn <- struct{}{}:
		leave = func() { <-g.turn }
	case <-ctx.Done():
		return nil, ended(ctx, g.latest())
	}
	next, now, doubt := g.state()
	if !doubt {
		leave()
		return func() {}, nil
	}
	if now != failures {
		leave()
		return nil, g.latest()
	}
	if until(ctx, next) != nil {
		leave()
		return nil, ended(ctx, g.latest())
	}
	return leave, nil
}

// until waits for a time, or returns the context's cause.
func until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *gate) state() (next time.Time, failures int, doubt bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.next, g.failures, g.doubt
}

func (g *gate) latest() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// opens returns when the address may be dialled; the zero time is now.
func (g *gate) opens() time.Time {
	next, _, doubt := g.state()
	if !doubt {
		return time.Time{}
	}
	return next
}

// opened notes that a dial succeeded.
func (g *gate) opened() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.doubt = false
}

// failed notes that one did not.
func (g *gate) failed(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail(err)
}

// fail is failed for callers that hold mu.
func (g *gate) fail(err error) {
	g.doubt, g.err = true, err
	g.failures++
	g.next = time.Now().Add(g.pause.Next())
}

// ended notes that a connection has ended by itself. The next dial is a careful one, and a late one if nothing was ever answered over the
// connection.
func (g *gate) ended(stage int32, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.doubt || stage == stageNew: // whoever dials notes that itself
	case stage == stageGreeted:
		g.fail(err)
	default:
		g.doubt, g.next = true, time.Now()
		g.pause.Reset()
	}
}
