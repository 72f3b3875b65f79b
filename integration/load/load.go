package load

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/history"
)

// closeTime bounds the closing of each broker at the end.
const closeTime = 40 * time.Second

// Load is traffic that runs. Its methods are called by the test's goroutine.
type Load struct {
	t         *testing.T
	cfg       Config
	log       history.Log
	began     time.Time
	brokers   []*messaging.Broker // the publishers' first
	publisher *messaging.Broker   // that one, for the publishers: members come and go
	joined    int

	handled atomic.Int64
	acked   sync.Map // id → struct{}, removed when handled
	waiting atomic.Int64
	tries   atomic.Int64

	stop    context.CancelFunc // ends the publishers, each with its event
	giveUp  context.CancelFunc // ends them with what they try now
	writers sync.WaitGroup
	notices sync.Mutex
	seen    []messaging.Notice
}

// Start opens the brokers, subscribes the members and starts the publishers. What is still running when the test ends is ended then.
func Start(t *testing.T, cfg Config) *Load {
	t.Helper()
	l := &Load{t: t, cfg: cfg.withDefaults(), began: time.Now()}
	spec := l.cfg.Spec
	spec.Name = l.cfg.Topic
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 1 + l.cfg.Members {
		member := "publisher"
		if i > 0 {
			member = "m" + strconv.Itoa(i)
		}
		topics := []messaging.Topic{}
		if i == 0 {
			topics = append(topics, spec)
		}
		l.open(ctx, member, topics)
	}
	l.publisher = l.brokers[0]
	for i, b := range l.brokers[1:] {
		l.subscribe(ctx, b, "m"+strconv.Itoa(i+1))
	}
	writing, stop := context.WithCancel(context.Background())
	trying, giveUp := context.WithCancel(context.Background())
	l.stop, l.giveUp = stop, giveUp
	t.Cleanup(l.end)
	for key := range l.cfg.Keys {
		l.writers.Add(1)
		go l.publish(writing, trying, "k"+strconv.Itoa(key))
	}
	return l
}

func (l *Load) open(ctx context.Context, member string, topics []messaging.Topic) {
	l.t.Helper()
	hooks := messaging.Hooks{
		Notice: func(n messaging.Notice) {
			l.notices.Lock()
			l.seen = append(l.seen, n)
			l.notices.Unlock()
			if n.Kind != messaging.Connected {
				l.add(history.Op{Kind: history.Hurt, Member: member})
			}
		},
		DeadLetter: func(d *messaging.DeadLetter) {
			l.add(l.op(history.Dead, d.Event.ID, d.Event.Key, member))
			l.done(d.Event.ID)
		},
	}
	b, err := l.cfg.Open(ctx, messaging.WithConfig(messaging.Config{Service: "load", Topics: topics}), messaging.WithHooks(hooks))
	if err != nil {
		l.t.Fatalf("load: open %s: %v", member, err)
	}
	l.brokers = append(l.brokers, b)
	l.t.Cleanup(func() { l.close(b) })
}

func (l *Load) subscribe(ctx context.Context, b *messaging.Broker, member string) {
	l.t.Helper()
	options := append([]messaging.SubscribeOption{
		messaging.Group(l.cfg.Group), messaging.Window(l.cfg.Window, 16<<20), messaging.Member(member),
	}, l.cfg.Options...)
	handler := messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error { return l.handle(ctx, d, member) })
	if _, err := b.Subscribe(ctx, l.cfg.Topic, handler, options...); err != nil {
		l.t.Fatalf("load: subscribe %s: %v", member, err)
	}
}

// add records an operation, with a stamp.
func (l *Load) add(o history.Op) {
	o.At = max(1, int64(time.Since(l.began)))
	l.log.Add(o)
}

// op makes an operation; the number of an event within its key stands in its id, after the key.
func (l *Load) op(kind history.Kind, id, key, member string) history.Op {
	o := history.Op{Kind: kind, ID: id, Key: key, Group: l.cfg.Group, Member: member}
	if len(id) > len(key) {
		o.Seq, _ = strconv.Atoi(id[len(key)+1:])
	}
	return o
}

func (l *Load) handle(ctx context.Context, d *messaging.Delivery, member string) error {
	l.add(l.op(history.Start, d.ID, d.Key, member))
	err := work(ctx, l.cfg.Work)
	if err == nil && l.cfg.Handle != nil {
		err = l.cfg.Handle(ctx, d)
	}
	if err != nil {
		l.add(l.op(history.Freed, d.ID, d.Key, member))
		return err
	}
	l.add(l.op(history.Done, d.ID, d.Key, member))
	l.handled.Add(1)
	l.done(d.ID)
	return nil
}

func work(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// done notes that an event has been handled, whether or not its publisher knows yet that it is stored.
func (l *Load) done(id string) {
	if before, _ := l.acked.Swap(id, handled); before == stored {
		l.waiting.Add(-1)
	}
}

// The states of an event in Load.acked.
const (
	stored  = "stored"
	handled = "handled"
)

func (l *Load) close(b *messaging.Broker) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.t.Context()), closeTime)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		l.t.Errorf("load: close: %v", err)
	}
}

// end stops the publishers of a test that did not Finish.
func (l *Load) end() {
	l.stop()
	l.giveUp()
	l.writers.Wait()
}
