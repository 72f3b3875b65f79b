package chaos

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/herald-go/herald/envelope"

	"github.com/herald-go/herald/integration/history"
)

const (
	// publishTime bounds each publishing of an event with a key, which is repeated until it is acked.
	publishTime = 2 * time.Second
	// again is the rest before a repetition.
	again = 20 * time.Millisecond
	// hastiest is the most time that a hasty publisher gives.
	hastiest = 30 * time.Millisecond
)

// publish starts the publishers: one for each key, and a hasty one.
func (w *worker) publish(ctx context.Context) (wait func(), err error) {
	var working sync.WaitGroup
	for k := range w.role.Keys {
		working.Go(func() { w.keyed(ctx, w.role.Name+"-k"+strconv.Itoa(k), rand.New(rand.NewPCG(w.role.Seed, uint64(k)))) })
	}
	if w.role.Hasty > 0 {
		working.Go(func() { w.hasty(ctx, rand.New(rand.NewPCG(w.role.Seed, 1<<32))) })
	}
	return working.Wait, nil
}

// keyed publishes the events of one key, each until it is acked.
func (w *worker) keyed(ctx context.Context, key string, random *rand.Rand) {
	for seq := 0; w.gate.enter(ctx); seq++ {
		data := bytes.Repeat([]byte("x"), 50+random.IntN(400))
		e := envelope.New("chaos.made", data, envelope.ID(key+"-"+strconv.Itoa(seq)), envelope.Key(key), envelope.ContentType("text/plain"))
		if w.role.Broken == BreakOrder && seq%50 == 10 {
			later := e
			later.ID = key + "-" + strconv.Itoa(seq+1)
			w.untilAcked(ctx, later)
			w.untilAcked(ctx, e)
			seq++
		} else {
			w.untilAcked(ctx, e)
		}
		w.gate.leave()
		pause(ctx, time.Duration(float64(w.role.Pause)*(0.5+random.Float64())))
	}
}

func (w *worker) untilAcked(ctx context.Context, e envelope.Event) {
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTime)
		err := w.attempt(bounded, e)
		cancel()
		if err == nil {
			return
		}
		pause(ctx, again)
	}
}

// hasty publishes events without a key, once each, and is cancelled in the midst of it, or has no time.
func (w *worker) hasty(ctx context.Context, random *rand.Rand) {
	for n := 0; w.gate.enter(ctx); n++ {
		e := envelope.New("chaos.hasty", []byte("x"), envelope.ID(w.role.Name+"-h-"+strconv.Itoa(n)), envelope.ContentType("text/plain"))
		limit := time.Duration(random.Int64N(int64(hastiest)))
		switch n % 3 {
		case 0:
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
			_ = w.attempt(bounded, e) // written down
			cancel()
		case 1:
			cancelled, cancel := context.WithCancel(context.WithoutCancel(ctx))
			timer := time.AfterFunc(limit/10, cancel)
			_ = w.attempt(cancelled, e)
			timer.Stop()
			cancel()
		default:
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 300*time.Millisecond)
			_ = w.attempt(bounded, e)
			cancel()
		}
		w.gate.leave()
		pause(ctx, w.role.Hasty)
	}
}

// attempt publishes an event once, and writes down what came of it.
func (w *worker) attempt(ctx context.Context, e envelope.Event) error {
	o := history.Op{Kind: history.Attempt, ID: e.ID, Key: e.Key}
	if e.Key != "" {
		o.Seq, _ = strconv.Atoi(e.ID[len(e.Key)+1:])
	}
	var ended moment
	stop := context.AfterFunc(ctx, ended.now)
	defer stop()
	w.note(o)
	err := w.send(ctx, e)
	if ctx.Err() != nil {
		o.Over = int64(ended.since())
	}
	switch {
	case err == nil:
		o.Kind = history.Acked
	case errors.Is(err, errTold):
		o.Kind = history.Refused
	default:
		o.Kind = history.Unknown
	}
	w.note(o)
	return err
}

// moment is when something happened.
type moment struct {
	mu sync.Mutex
	at time.Time
}

func (m *moment) now() {
	m.mu.Lock()
	m.at = time.Now()
	m.mu.Unlock()
}

// since is how long ago that was, a nanosecond at least; a nanosecond if it was not seen yet.
func (m *moment) since() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() {
		return 1
	}
	return max(time.Since(m.at), 1)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
