package load

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/history"
)

// again is how long a publisher rests before it publishes an event again that was not acked.
const again = 20 * time.Millisecond

// publish publishes the events of one key, one after the other, until ctx ends. It leaves none that may be stored, unless trying ends: Close does
// not wait for long until it is known what became of it.
func (l *Load) publish(ctx, trying context.Context, key string) {
	defer l.writers.Done()
	data := bytes.Repeat([]byte("x"), l.cfg.Data)
	for seq := 0; ctx.Err() == nil; seq++ {
		e := envelope.New("load.made", data, envelope.ID(key+"-"+strconv.Itoa(seq)), envelope.Key(key), envelope.ContentType("text/plain"))
		if !l.untilAcked(trying, e, seq) {
			return
		}
		rest(ctx, l.cfg.Pause)
	}
}

// untilAcked publishes an event until it is acked; false when ctx ended before.
func (l *Load) untilAcked(ctx context.Context, e envelope.Event, seq int) bool {
	o := history.Op{Kind: history.Attempt, ID: e.ID, Key: e.Key, Seq: seq}
	for ctx.Err() == nil {
		l.add(o)
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cfg.Timeout)
		err := l.publisher.Publish(bounded, l.cfg.Topic, e)
		cancel()
		l.outcome(o, err)
		if err == nil {
			return true
		}
		rest(ctx, again)
	}
	return false
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Try publishes one event more, without a key and with a deadline, and returns what Publish said and how long it took.
func (l *Load) Try(limit time.Duration) (time.Duration, error) {
	id := "try-" + strconv.FormatInt(l.tries.Add(1), 10)
	l.add(history.Op{Kind: history.Attempt, ID: id})
	ctx, cancel := context.WithTimeout(l.t.Context(), limit)
	defer cancel()
	began := time.Now()
	err := l.publisher.Publish(ctx, l.cfg.Topic, envelope.New("load.tried", nil, envelope.ID(id), envelope.ContentType("text/plain")))
	took := time.Since(began)
	l.outcome(history.Op{ID: id}, err)
	return took, err
}

// outcome records what became of an event.
func (l *Load) outcome(o history.Op, err error) {
	switch {
	case err == nil:
		o.Kind = history.Acked
	case errors.Is(err, messaging.ErrUnconfirmed):
		o.Kind = history.Unknown
	default:
		o.Kind = history.Refused
	}
	l.add(o)
	if err == nil {
		if _, done := l.acked.LoadOrStore(o.ID, stored); !done {
			l.waiting.Add(1)
		}
	}
}
