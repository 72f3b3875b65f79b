package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/history"
)

// What can be wrong with a process, for tests of the harness itself.
const (
	// BreakAck loses the acks of some events, by doing as if they had been handled without handling them.
	BreakAck = "drop"
	// BreakEarly acks before it handles, and forgets at its end what it has not handled.
	BreakEarly = "ack-early"
	// BreakTwice publishes some events twice and tells of one time.
	BreakTwice = "publish-twice"
	// BreakSwallow tells that an event is acked when publishing it has failed.
	BreakSwallow = "swallow"
	// BreakRefuse tells that an event is refused when it is stored.
	BreakRefuse = "refuse"
	// BreakOrder publishes some events of a key before the ones before them.
	BreakOrder = "reorder"
	// BreakGhost publishes events that it does not tell of.
	BreakGhost = "ghost"
	// BreakConcurrent runs two handlers for some events at once.
	BreakConcurrent = "two-handlers"
	// BreakKey runs the handlers of a key at once.
	BreakKey = "key-at-once"
	// BreakLate comes back from Publish long after its context has ended.
	BreakLate = "late"
	// BreakLeak leaves a goroutine for each event of some.
	BreakLeak = "leak"
	// BreakStop handles nothing any more after some events, without a word.
	BreakStop = "stop"
)

// Breakages are all that can be wrong.
func Breakages() []string {
	return []string{
		BreakAck, BreakEarly, BreakTwice, BreakSwallow, BreakRefuse, BreakOrder, BreakGhost, BreakConcurrent, BreakKey, BreakLate, BreakLeak, BreakStop,
	}
}

// every is how often a broken process is wrong: for one event in so many.
const every = 40

var errBroken = errors.New("told to be refused")

// send publishes, rightly or not.
func (w *worker) send(ctx context.Context, e envelope.Event) error {
	if w.role.Broken == BreakRefuse {
		return w.refuse(ctx, e)
	}
	wrong := w.early.next()%every == 0
	switch {
	case w.role.Broken == BreakTwice && wrong:
		if err := w.client.publish(ctx, e); err != nil {
			return err
		}
	case w.role.Broken == BreakSwallow:
		_ = w.client.publish(ctx, e) // that is what is wrong
		return nil
	case w.role.Broken == BreakGhost && wrong:
		ghost := e
		ghost.ID, ghost.Key = "ghost-"+e.ID, ""
		_ = w.client.publish(ctx, ghost)
	case w.role.Broken == BreakLate:
		err := w.client.publish(ctx, e)
		if e.Key == "" {
			<-ctx.Done()
			<-time.After(200 * time.Millisecond)
		}
		return err
	}
	return w.client.publish(ctx, e)
}

// oftener is how often it is wrong about events without a key, which are few.
const oftener = 5

// refuse publishes, and tells of some events that they are refused: of those without a key, since the others are published until they are acked.
func (w *worker) refuse(ctx context.Context, e envelope.Event) error {
	if e.Key != "" || w.early.next()%oftener != 0 {
		return w.client.publish(ctx, e)
	}
	_ = w.client.publish(context.WithoutCancel(ctx), e)
	return fmt.Errorf("%w: %w", errTold, errBroken)
}

// early is what a broken handler has acked and not handled, and the count of what passes.
type early struct {
	mu    sync.Mutex
	n     int
	queue chan *messaging.Delivery
	work  sync.WaitGroup
}

func (e *early) next() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n++
	return e.n
}

// handler returns the process's handler, right or not, and what waits for its end.
func (w *worker) handler() (h messaging.Handler, wait func()) {
	handle := w.handle
	switch w.role.Broken {
	case BreakAck:
		handle = w.dropping
	case BreakConcurrent:
		handle = w.twice
	case BreakKey:
		handle = w.loose
	case BreakLeak:
		handle = w.leaking
	case BreakStop:
		handle = w.stopping
	case BreakEarly:
		stopped := make(chan struct{})
		w.early.queue = make(chan *messaging.Delivery, 100) // what is lost at the end
		for range 4 {
			w.early.work.Go(func() { w.handleLate(stopped) })
		}
		return messaging.HandlerFunc(w.ackEarly), func() {
			close(stopped)
			w.early.work.Wait()
		}
	}
	return messaging.HandlerFunc(handle), w.early.work.Wait
}

func (w *worker) dropping(ctx context.Context, d *messaging.Delivery) error {
	if w.early.next()%every == 0 {
		return nil
	}
	return w.handle(ctx, d)
}

func (w *worker) twice(ctx context.Context, d *messaging.Delivery) error {
	if w.early.next()%every != 0 {
		return w.handle(ctx, d)
	}
	var both sync.WaitGroup
	both.Go(func() { _ = w.handle(ctx, d) })
	err := w.handle(ctx, d)
	both.Wait()
	return err
}

// loose lets go of the event's key before the handler has ended: the next one of the key runs beside it.
func (w *worker) loose(ctx context.Context, d *messaging.Delivery) error {
	if w.early.next()%every != 0 {
		return w.handle(ctx, d)
	}
	late := *d
	w.early.work.Go(func() {
		w.note(w.op(history.Start, late.ID, late.Key))
		<-time.After(200 * time.Millisecond)
		w.note(w.op(history.Done, late.ID, late.Key))
	})
	return nil
}

// leaking leaves several goroutines: a single one can hide behind one that was just ending when the others were counted.
func (w *worker) leaking(ctx context.Context, d *messaging.Delivery) error {
	if w.early.next()%every == 1 {
		go func() { <-context.Background().Done() }() // it never ends
	}
	return w.handle(ctx, d)
}

func (w *worker) stopping(ctx context.Context, d *messaging.Delivery) error {
	if w.early.next() > every {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return w.handle(ctx, d)
}

func (w *worker) ackEarly(ctx context.Context, d *messaging.Delivery) error {
	copied := *d
	select {
	case w.early.queue <- &copied:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *worker) handleLate(stopped <-chan struct{}) {
	for {
		select {
		case <-stopped:
			return
		case d := <-w.early.queue:
			_ = w.handle(context.Background(), d)
		}
	}
}
