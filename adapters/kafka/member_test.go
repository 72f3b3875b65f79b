package kafka

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/herald-go/herald/pkg/driver"
)

// shortSession is shorter than an answer may take.
var shortSession = Config{Session: 6 * time.Second, Heartbeat: time.Second, RequestTimeout: 10 * time.Second}

// keptFor returns how long a message's source is kept from now on, at most limit.
func keptFor(m *driver.Message, limit time.Duration) time.Duration {
	began, gone := time.Now(), make(chan struct{})
	m.Source.Watch(func(st driver.SourceState) {
		if st == driver.Gone {
			close(gone)
		}
	})
	select {
	case <-gone:
	case <-time.After(limit):
	}
	return time.Since(began)
}

// Others may have taken over at the end of the session, whatever the member waits for.
func TestMember_GivesUpWhatItHoldsAtTheEndOfItsSession(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]func(f *fake){
		"no answer comes":          func(f *fake) { f.mute = protocol.Heartbeat },
		"no login is answered":     func(f *fake) { f.mute = protocol.ApiVersions },
		"none coordinates":         func(f *fake) { f.group.elsewhere = kafkago.GroupCoordinatorNotAvailable },
		"another one coordinates":  func(f *fake) { f.group.elsewhere = kafkago.NotCoordinatorForGroup },
		"the connection is broken": func(f *fake) { f.away = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readsOf(t, newFake(1), 10, shortSession, billing(1000), func(r *reading) {
				held := r.receive(time.Minute)
				r.f.with(func(f *fake) {
					silence(f)
					if f.away || f.mute == protocol.ApiVersions {
						for _, c := range f.conns {
							_ = c.Close()
						}
						f.conns = nil
					}
				})
				if took := keptFor(held[0], time.Minute); took < 5*time.Second || took > 6*time.Second+retryMost {
					r.t.Errorf("what is held was given up after %v, want a session of 6s since the group answered last, and a pause at most", took)
				}
				r.f.with(func(f *fake) { f.mute, f.group.elsewhere, f.away = protocol.Produce, 0, false })
				if n := r.until(time.Minute); n != len(held) {
					r.t.Errorf("%d came again, want %d", n, len(held))
				}
			})
		})
	}
}

// A group whose coordinator reads its log still has this member: nobody else has its partitions.
func TestMember_KeepsWhatItHoldsWhileTheGroupIsBeingLoaded(t *testing.T) {
	t.Parallel()
	readsOf(t, newFake(1), 10, shortSession, billing(1000), func(r *reading) {
		held := r.receive(time.Minute)
		r.f.with(func(f *fake) { f.group.elsewhere = kafkago.GroupLoadInProgress })
		if took := keptFor(held[0], time.Minute); took < time.Minute {
			r.t.Errorf("what is held was given up after %v", took)
		}
		r.f.with(func(f *fake) { f.group.elsewhere = 0 })
		r.ack(held...)
		r.until(time.Minute)
		if got := r.f.position(0); got.offset != 10 {
			r.t.Errorf("the position is %+v, want 10", got)
		}
	})
}

// A broker that has just begun may not know its users yet.
func TestMember_OutlivesALoginThatIsRefused(t *testing.T) {
	t.Parallel()
	cfg := shortSession
	cfg.User, cfg.Password = "billing", "secret"
	readsOf(t, newFake(1), 10, cfg, billing(1000), func(r *reading) {
		held := r.receive(time.Minute)
		r.f.crash()
		r.f.with(func(f *fake) { f.locked, f.away = true, false })
		sub, _ := r.sub.(*subscription)
		sub.mu.Lock()
		sub.units[1] = sub.newUnit(1) // given just before: it can't begin yet
		sub.mu.Unlock()
		signal(sub.keeper.wake)
		if again := r.receive(2 * time.Minute); len(again) > 0 {
			r.t.Errorf("%d came from a broker that lets nobody in", len(again))
		}
		r.f.with(func(f *fake) { f.locked = false })
		if n := r.until(time.Minute); n != len(held) {
			r.t.Errorf("%d came once it does, want %d", n, len(held))
		}
	})
}

// A group that disowns whoever joins is not asked as fast as it answers.
func TestMember_DoesNotSpinWhileTheGroupDisownsIt(t *testing.T) {
	t.Parallel()
	readsOf(t, newFake(1), 10, shortSession, billing(1000), func(r *reading) {
		r.until(time.Second)
		const disowned = 20 * time.Second
		r.f.with(func(f *fake) { f.group.elsewhere = kafkago.UnknownMemberId })
		<-time.After(2 * time.Second)
		synctest.Wait()
		before := r.f.asked()
		<-time.After(disowned)
		// Looks at the cluster and fetches come beside the joins.
		if n := r.f.asked() - before; n > 8*int(disowned/time.Second) {
			r.t.Errorf("%d requests in %v", n, disowned)
		}
		r.f.with(func(f *fake) { f.group.elsewhere = 0 })
		r.until(time.Minute)
	})
}

// The group's coordinator has moved since the last heartbeat.
func TestMember_LeavesAtTheCoordinatorThatThereIs(t *testing.T) {
	t.Parallel()
	readsOf(t, newFake(1), 10, shortSession, billing(1000), func(r *reading) {
		r.until(500 * time.Millisecond)
		r.f.with(func(f *fake) { f.group.elsewhere = kafkago.NotCoordinatorForGroup })
		closed := make(chan error, 1)
		go func() { closed <- r.sub.Close(context.WithoutCancel(r.t.Context())) }()
		<-time.After(100 * time.Millisecond)
		r.f.with(func(f *fake) { f.group.elsewhere = 0 })
		before := 0
		r.f.with(func(f *fake) { before = f.group.left })
		if err := <-closed; err != nil {
			r.t.Error(err)
		}
		r.f.with(func(f *fake) {
			if before == 0 || f.group.left != before+1 {
				r.t.Errorf("it was left %d times where it is not, and then %d times", before, f.group.left-before)
			}
		})
	})
}

// Kafka has no room for another member, for example.
func TestSubscribe_SaysWhyTheGroupDidNotTakeIt(t *testing.T) {
	t.Parallel()
	readsOf(t, newFake(1), 10, shortSession, billing(1000), func(r *reading) {
		r.until(time.Second)
		if err := r.sub.Close(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		r.f.with(func(f *fake) { f.group.elsewhere = kafkago.GroupMaxSizeReached })
		ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
		defer cancel()
		_, err := r.d.Subscribe(ctx, billing(1000))
		r.f.with(func(f *fake) { f.group.elsewhere = 0 })
		if !errors.Is(err, context.DeadlineExceeded) || !is(err, kafkago.GroupMaxSizeReached) {
			r.t.Errorf("subscribing: %v, want the end of the context and why", err)
		}
	})
}
