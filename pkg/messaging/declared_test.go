package messaging_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// asked is a driver that counts the questions for topics, and answers them with err, or not before their context ends.
type asked struct {
	everything
	differs string // a topic that is not as declared

	mu     sync.Mutex
	count  int
	err    error
	silent bool
}

func (d *asked) Declare(ctx context.Context, topics []driver.TopicSpec) error {
	d.mu.Lock()
	d.count++
	err, silent := d.err, d.silent
	d.mu.Unlock()
	if silent {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(topics, func(t driver.TopicSpec) bool { return t.Name == d.differs }) {
		return driver.ErrConflict
	}
	return d.everything.Declare(ctx, topics)
}

func (d *asked) set(err error, silent bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.silent = err, silent
}

func (d *asked) times() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

var declaredTopics = []messaging.Topic{
	{Name: "orders", Groups: []string{"billing", "audit"}, MaxCount: 1000},
	{Name: "logs"},
	{Name: "mails", Groups: []string{"post"}},
}

// declaring opens a broker that declares topics over an asked driver.
func declaring(t *testing.T) (*messaging.Broker, *asked, *memory.Server) {
	t.Helper()
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := &asked{everything: server.Connect().(everything)}
	b, err := messaging.New(t.Context(), d, messaging.WithConfig(messaging.Config{Topics: declaredTopics}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b, d, server
}

// declare declares the topics once more, as another process would.
func declare(t *testing.T, server *memory.Server) {
	t.Helper()
	if err := server.Connect().(everything).Declare(t.Context(), declaredTopics); err != nil {
		t.Fatal(err)
	}
}

func TestReady_RedWhileADeclaredGroupIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, server := declaring(t)
		if err := b.Ready(); err != nil {
			t.Errorf("declared: %v", err)
		}
		for _, at := range [][2]string{{"orders", "audit"}, {"mails", "post"}} {
			if err := b.DeleteGroup(t.Context(), at[0], at[1]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			refused(t, "without "+at[1], b.Ready(), messaging.ErrUnknownTopic, "ready "+at[0]+": declared group "+at[1]+" is missing")
		}
		var named *messaging.Error
		err := b.Ready()
		if want := "ready orders: declared group audit is missing: unknown topic\nready mails: declared group post is missing: unknown topic"; err == nil ||
			err.Error() != want || !errors.As(err, &named) || named.Topic != "orders" {
			t.Errorf("without two: %v", err)
		}
		if err := b.Live(); err != nil {
			t.Errorf("a missing group ends nobody's life: %v", err)
		}
		declare(t, server)
		time.Sleep(10 * time.Second)
		if err := b.Ready(); err != nil {
			t.Errorf("declared again: %v", err)
		}
	})
}

func TestReady_AsksSeldomAndOnlyWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, _ := declaring(t)
		time.Sleep(time.Hour)
		if n := d.times(); n != 1 {
			t.Errorf("the broker was asked %d times before anybody asked Ready, want the declaration alone", n)
		}
		var wg sync.WaitGroup
		for range 10 {
			for range 60 {
				wg.Go(func() {
					if err := b.Ready(); err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(time.Second)
		}
		wg.Wait()
		if n := d.times(); n != 2 {
			t.Errorf("the broker was asked %d times, want the declaration and one question in ten seconds", n)
		}
	})
}

func TestReady_KeepsItsAnswerWhileTheBrokerHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, server := declaring(t)
		ready := func(want bool, within time.Duration) {
			t.Helper()
			begin := time.Now()
			err := b.Ready()
			if took := time.Since(begin); (err == nil) != want || took != within {
				t.Errorf("ready: %v after %v, want %v after %v", err, took, want, within)
			}
		}
		if err := b.DeleteGroup(t.Context(), "mails", "post"); err != nil {
			t.Fatal(err)
		}
		d.set(nil, true)
		time.Sleep(10 * time.Second)
		ready(true, 500*time.Millisecond)
		time.Sleep(10 * time.Second) // that question has ended
		d.set(errors.New("overloaded"), false)
		time.Sleep(10 * time.Second)
		ready(true, 0)
		d.set(nil, false)
		time.Sleep(10 * time.Second)
		ready(false, 0)
		declare(t, server)
		d.set(errors.New("overloaded"), false)
		time.Sleep(10 * time.Second)
		ready(false, 0)
		d.set(nil, true)
		time.Sleep(10 * time.Second)
		ready(false, 500*time.Millisecond)
		begin := time.Now()
		if err := b.Close(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("Close took %v, %v", time.Since(begin), err)
		}
	})
}

func TestReady_AnotherDifferenceHidesNoMissingGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, d, _ := declaring(t)
		d.differs = "orders"
		time.Sleep(10 * time.Second)
		if err := b.Ready(); err != nil {
			t.Errorf("a topic that differs is there: %v", err)
		}
		if err := b.DeleteGroup(t.Context(), "mails", "post"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		refused(t, "without post", b.Ready(), messaging.ErrUnknownTopic, "ready mails: declared group post is missing")
	})
}
