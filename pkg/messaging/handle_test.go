package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// shop is a memory broker and what its handlers saw, inside a synctest bubble.
type shop struct {
	*messaging.Broker
	t      *testing.T
	server *memory.Server

	mu   sync.Mutex
	seen []string
	at   []time.Time
}

// newShop opens a broker that is closed with the test.
func newShop(t *testing.T, cfg memory.Config, opts ...messaging.Option) *shop {
	t.Helper()
	return shopOver(t, cfg, func(d driver.Driver) driver.Driver { return d }, opts...)
}

// shopOver is newShop over what a test makes of the driver.
func shopOver(t *testing.T, cfg memory.Config, over func(driver.Driver) driver.Driver, opts ...messaging.Option) *shop {
	t.Helper()
	srv, err := memory.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b, err := messaging.New(t.Context(), over(srv.Connect()), opts...)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{Broker: b, t: t, server: srv}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func (s *shop) saw(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, fmt.Sprintf(format, args...))
	s.at = append(s.at, time.Now())
}

func (s *shop) want(want ...string) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.seen, want) {
		s.t.Errorf("saw  %q\nwant %q", s.seen, want)
	}
}

// startingWith returns what was seen that begins with a prefix.
func (s *shop) startingWith(prefix string) []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var some []string
	for _, v := range s.seen {
		if strings.HasPrefix(v, prefix) {
			some = append(some, v)
		}
	}
	return some
}

func (s *shop) subscribe(h messaging.HandlerFunc, opts ...messaging.SubscribeOption) *messaging.Subscription {
	s.t.Helper()
	opts = append([]messaging.SubscribeOption{messaging.Group("billing")}, opts...)
	sub, err := s.Subscribe(s.t.Context(), "orders", h, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return sub
}

// put publishes events whose data is their text and whose key is what stands before a slash.
func (s *shop) put(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		key, _, _ := strings.Cut(text, "/")
		if key == text {
			key = ""
		}
		if err := s.Publish(s.t.Context(), "orders", envelope.New("order.placed", []byte(text), envelope.Key(key))); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *shop) letters() []*messaging.DeadLetter {
	s.t.Helper()
	synctest.Wait()
	var letters []*messaging.DeadLetter
	for l, err := range s.DeadLetters(s.t.Context(), "orders", "billing") {
		if err != nil {
			s.t.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

var errHandler = errors.New("card declined")

func TestHandle_KeyOrderHoldsThroughQuickRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s#%d", d.Data, d.Attempt)
			if string(d.Data) == "a/1" && d.Attempt < 4 {
				return errHandler
			}
			return nil
		})
		s.put("a/1", "a/2", "b/1", "a/3")
		time.Sleep(2 * time.Second)
		a := s.startingWith("a")
		want := []string{"a/1#1", "a/1#2", "a/1#3", "a/1#4", "a/2#1", "a/3#1"}
		if !slices.Equal(a, want) {
			t.Errorf("saw %q, want %q", a, want)
		}
		if i, j := slices.Index(s.seen, "b/1#1"), slices.Index(s.seen, "a/1#4"); i < 0 || i > j {
			t.Errorf("b/1 waited for another key: %q", s.seen)
		}
	})
}

func TestHandle_QuickThenLaterThenDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s#%d", d.Data, d.Attempt)
			return errHandler
		})
		start := time.Now()
		s.put("poor")
		time.Sleep(time.Hour)
		letters := s.letters()
		if len(s.seen) != 16 { // 4 rounds of one delivery and three quick tries
			t.Fatalf("saw %d attempts: %q", len(s.seen), s.seen)
		}
		for i, v := range s.seen {
			if want := fmt.Sprintf("poor#%d", i+1); v != want {
				t.Errorf("attempt %d: saw %s, want %s", i, v, want)
			}
		}
		// The lower bounds are promised; jitter adds at most a quarter.
		least := []time.Duration{0, 0, 100, 600, 10600, 10600, 10700, 11200, 71200}
		for i, ms := range least {
			after := s.at[i].Sub(start)
			if lower := ms * time.Millisecond; after < lower || after > lower*5/4+time.Millisecond {
				t.Errorf("attempt %d came after %v, want from %v up to a quarter more", i+1, after, lower)
			}
		}
		if len(letters) != 1 {
			t.Fatalf("%d dead letters", len(letters))
		}
		l := letters[0]
		if l.Reason != messaging.ReasonExhausted || l.Attempts != 16 || l.Error != errHandler.Error() || string(l.Event.Data) != "poor" ||
			l.Topic != "orders" || l.Group != "billing" || !l.FirstFailed.Equal(start) || l.LastFailed.Before(start.Add(11*time.Minute)) || l.Position == "" {
			t.Errorf("dead letter %+v", l)
		}
		if lag, err := s.Lag(t.Context(), "orders", "billing"); err != nil || lag.Count != 0 || lag.Later != 0 {
			t.Errorf("lag %+v, %v", lag, err)
		}
	})
}

func TestHandle_LaterIsOvertakenUnlessBlocked(t *testing.T) {
	for _, tc := range []struct {
		when messaging.WhenLater
		want []string
	}{
		{messaging.Overtake, []string{"a/1#1", "a/2#1", "a/1#2"}},
		{messaging.Block, []string{"a/1#1", "a/1#2", "a/2#1"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, memory.Config{})
			policy := messaging.RetryPolicy{Quick: []time.Duration{}, Later: []time.Duration{time.Minute}, WhenLater: tc.when}
			s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
				s.saw("%s#%d", d.Data, d.Attempt)
				if string(d.Data) == "a/1" && d.Attempt == 1 {
					return errHandler
				}
				return nil
			}, messaging.Retry(policy))
			s.put("a/1", "a/2")
			time.Sleep(2 * time.Minute)
			s.want(tc.want...)
		})
	}
}

func TestHandle_VerdictsAreFoundThroughWrapping(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("outer: %w", errors.Join(errors.New("other"), err)) }
	for _, tc := range []struct {
		name string
		err  error
		want []string // attempts seen within a minute
		dead int
	}{
		{"permanent", wrapped(messaging.Permanent(errHandler)), []string{"x#1"}, 1},
		{"discard", wrapped(messaging.Discard(errHandler)), []string{"x#1"}, 0},
		{"snooze short", wrapped(messaging.Snooze(40 * time.Millisecond)), []string{"x#1", "x#1"}, 0},
		{"snooze long", wrapped(messaging.Snooze(45 * time.Second)), []string{"x#1", "x#1"}, 0},
		{"release", wrapped(messaging.Release()), []string{"x#1", "x#1"}, 0},
		{"retry after", wrapped(messaging.RetryAfter(30*time.Second, errHandler)), []string{"x#1", "x#2"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, memory.Config{})
				first := true
				s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
					s.saw("%s#%d", d.Data, d.Attempt)
					if first {
						first = false
						return tc.err
					}
					return nil
				})
				s.put("x")
				time.Sleep(time.Minute)
				s.want(tc.want...)
				if got := len(s.letters()); got != tc.dead {
					t.Errorf("%d dead letters, want %d", got, tc.dead)
				}
			})
		})
	}
}

func scribble(d *messaging.Delivery) { d.Attempt = 1 }

func TestHandle_PanicAndGoexitAreFailedAttempts(t *testing.T) {
	for name, f := range map[string]func(){
		"panic":  func() { panic("kaboom") },
		"error":  func() { panic(errHandler) },
		"nil":    func() { scribble(nil) },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, memory.Config{})
				s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
					s.saw("%s#%d", d.Data, d.Attempt)
					if string(d.Data) != "good" {
						f()
					}
					return nil
				}, messaging.Concurrency(1), messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{0}, Later: []time.Duration{}}))
				s.put("bad")
				time.Sleep(time.Second)
				s.put("good") // the worker is still there
				s.want("bad#1", "bad#2", "good#1")
				letters := s.letters()
				if len(letters) != 1 || letters[0].Attempts != 2 || (letters[0].Stack == "") != (name == "goexit") {
					t.Errorf("dead letters %+v", letters)
				}
			})
		})
	}
}

func TestHandle_ScribblingOnDataReachesNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s %s#%d", d.Data, d.Headers.Get("shop"), d.Attempt)
			copy(d.Data, "XXXXXXXX")
			d.Headers[0].Value = "XXX"
			return errHandler
		}, messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{0}, Later: []time.Duration{time.Second}}))
		_, err := s.Subscribe(t.Context(), "orders", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			if string(d.Data) != "original" {
				t.Errorf("another group got %q", d.Data)
			}
			return nil
		}), messaging.Group("audit"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), "orders", envelope.New("order.placed", []byte("original"), envelope.WithHeader("shop", "berlin"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.want("original berlin#1", "original berlin#2", "original berlin#3", "original berlin#4")
		letters := s.letters()
		if len(letters) != 1 || string(letters[0].Event.Data) != "original" || letters[0].Event.Headers.Get("shop") != "berlin" {
			t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestHandle_TimeoutEndsTheContextAndReportsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stuck []time.Duration
		s := newShop(t, memory.Config{}, messaging.WithHooks(messaging.Hooks{Stuck: func(_ *messaging.Delivery, running time.Duration) {
			stuck = append(stuck, running)
		}}))
		s.subscribe(func(ctx context.Context, d *messaging.Delivery) error {
			if d.Attempt > 1 || string(d.Data) != "a/1" {
				return nil
			}
			<-ctx.Done()
			s.saw("%v", context.Cause(ctx))
			time.Sleep(25 * time.Second) // it does not listen
			return ctx.Err()
		}, messaging.HandlerTimeout(5*time.Second))
		s.put("a/1", "a/2")
		time.Sleep(time.Minute)
		s.want(messaging.ErrHandlerTimeout.Error())
		if want := []time.Duration{15 * time.Second, 25 * time.Second}; !slices.Equal(stuck, want) {
			t.Errorf("reported stuck after %v, want %v", stuck, want)
		}
		if st := s.Stats(); st.Handled != 2 || st.Failed != 1 {
			t.Errorf("%+v", st)
		}
	})
}
