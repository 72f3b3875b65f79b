package kafka

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

func billing(window int) driver.Spec {
	return driver.Spec{Topic: fakeTopic, Group: "billing", Window: window, WindowBytes: 1 << 20}
}

// lost tells what was told of gaps.
func (r *reading) lost(want ...int64) {
	r.t.Helper()
	if got := r.f.told.gaps(); !slices.Equal(got, want) {
		r.t.Errorf("gaps of %v were told, want %v", got, want)
	}
}

// stands compares the position that is stored.
func (r *reading) stands(offset int64) {
	r.t.Helper()
	synctest.Wait()
	var id topicID
	r.f.with(func(f *fake) { id = f.topics.id(fakeTopic) })
	if got := r.f.position(0); got.offset != offset || logBeside(got.ahead) != id {
		r.t.Errorf("the position is %d in topic %x, want %d in %x", got.offset, logBeside(got.ahead), offset, id)
	}
}

// The new log has grown past the position before the member looks: no offset shows that it is another one.
func TestDeleted_ALongerLogUnderTheNameIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		if n := r.until(time.Minute); n != before {
			r.t.Fatalf("%d came, want %d", n, before)
		}
		r.stands(before)
		r.f.replace(r.t, after)
		if n := r.until(time.Minute); n != after {
			r.t.Errorf("%d of the new log came, want %d", n, after)
		}
		r.lost(-1)
		r.stands(after)
		r.f.with(func(f *fake) {
			if f.topics.byName > 0 || len(f.topics.made) > 0 {
				r.t.Errorf("%d fetches by name, and %v created", f.topics.byName, f.topics.made)
			}
		})
	})
}

func TestDeleted_WhatIsInHandOfTheOldLogSettlesNothing(t *testing.T) {
	t.Parallel()
	const before, after = 100, 120
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		old := r.receive(time.Minute)
		r.ack(old[:10]...)
		r.f.replace(r.t, after)
		fresh := r.receive(time.Minute)
		if len(fresh) != after {
			r.t.Fatalf("%d of the new log came beside what is in hand, want %d", len(fresh), after)
		}
		<-time.After(time.Second)
		r.stands(0)
		r.ack(old[10:]...)
		r.ack(old[:10]...)
		<-time.After(time.Second)
		r.stands(0)
		r.ack(fresh...)
		<-time.After(time.Second)
		r.stands(after)
		r.lost(-1)
		sub, _ := r.sub.(*subscription)
		sub.mu.Lock()
		defer sub.mu.Unlock()
		if sub.held != 0 || sub.heldBytes != 0 || sub.unstored != 0 || sub.buffered != 0 || sub.units[0].held != 0 {
			r.t.Errorf("all is finished, and %d are held with %d bytes, %d unstored, %d fetched, %d of the partition",
				sub.held, sub.heldBytes, sub.unstored, sub.buffered, sub.units[0].held)
		}
	})
}

// What is in hand of a log that is gone goes with its partition as everything does.
func TestDeleted_AnExpulsionTakesWhatIsInHandOfBothLogs(t *testing.T) {
	t.Parallel()
	const before, after = 100, 120
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		old := r.receive(time.Minute)
		r.f.replace(r.t, after)
		fresh := r.receive(time.Minute)
		r.f.expel()
		again := r.receive(time.Minute)
		r.ack(old...)
		r.ack(fresh...)
		r.ack(again...)
		<-time.After(time.Second)
		r.stands(after)
		sub, _ := r.sub.(*subscription)
		sub.mu.Lock()
		defer sub.mu.Unlock()
		if sub.held != 0 || sub.heldBytes != 0 || sub.unstored != 0 {
			r.t.Errorf("all is finished, and %d are held with %d bytes, %d unstored", sub.held, sub.heldBytes, sub.unstored)
		}
	})
}

// A member that had not seen the new topic yet has stored where it was in the old one, and then left.
func TestDeleted_APositionOfAnEarlierTopicIsNone(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		r.until(time.Minute)
		stale := r.f.position(0)
		err := r.sub.Close(r.t.Context())
		r.f.replace(r.t, after)
		r.f.with(func(f *fake) { f.group.stored[target{fakeTopic, 0}] = stale })
		if lag, err := r.d.Lag(r.t.Context(), fakeTopic, "billing"); err != nil || lag.Count != after {
			r.t.Errorf("the lag is %d, %v, want %d", lag.Count, err, after)
		}
		spec := billing(1000)
		spec.Notify = r.f.told.notify
		var err2 error
		if r.sub, err2 = r.d.Subscribe(r.t.Context(), spec); err != nil || err2 != nil {
			r.t.Fatal(err, err2)
		}
		if n := r.until(time.Minute); n != after {
			r.t.Errorf("%d of the new log came, want %d", n, after)
		}
		r.stands(after)
		r.lost(-1)
	})
}

func TestDeleted_NothingIsResetByAMomentWithoutTheTopic(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		held := r.receive(time.Minute)
		r.f.with(func(f *fake) {
			f.topics.refuse, f.topics.unknown = 3, 3
			f.group.holds(r.t, 0, after) // the same log goes on
		})
		if n := r.until(time.Minute); n != after-before {
			r.t.Errorf("%d more came, want %d", n, after-before)
		}
		r.ack(held...)
		<-time.After(time.Second)
		r.stands(after)
		r.lost()
		r.f.with(func(f *fake) {
			if f.topics.refuse+f.topics.unknown > 0 || len(f.topics.made) > 0 {
				r.t.Errorf("%d refusals and %d denials are left, and created was %v", f.topics.refuse, f.topics.unknown, f.topics.made)
			}
		})
	})
}

// A broker that is behind tells of a topic that the partition's leader does not hold.
func TestDeleted_NothingIsResetByWhatTheLeaderDoesNotHold(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		r.until(time.Second)
		r.f.with(func(f *fake) {
			f.topics.refuse, f.topics.lies = 1, 5
			f.group.holds(r.t, 0, after)
		})
		if n := r.until(time.Minute); n != after-before {
			r.t.Errorf("%d more came, want %d", n, after-before)
		}
		r.lost()
		r.stands(after)
		r.f.with(func(f *fake) {
			if f.topics.lies > 0 {
				r.t.Errorf("%d wrong answers are left", f.topics.lies)
			}
		})
	})
}

// The place in the new log is stored although nothing is there to be done.
func TestDeleted_ThePlaceInTheNewLogIsStoredAtOnce(t *testing.T) {
	t.Parallel()
	readsOf(t, newFakeWithIDs(), 10, Config{}, billing(1000), func(r *reading) {
		r.until(time.Second)
		r.f.replace(r.t, 0)
		<-time.After(5 * time.Second)
		r.stands(0)
		r.lost(-1)
	})
}

// What is finished is dropped from the inbox, up to an offset of a log that may be another one by now.
func TestDeleted_ANewInboxIsNotTrimmed(t *testing.T) {
	t.Parallel()
	readsOf(t, newFakeWithIDs(), 10, Config{}, billing(1000), func(r *reading) {
		r.until(time.Second)
		sub, _ := r.sub.(*subscription)
		for _, c := range []struct {
			name string
			log  topicID
			want int
		}{{"another log", topicID{1}, 0}, {"its log", r.f.topics.id(inboxTopics(fakeTopic, "billing")[0]), 1}} {
			sub.mu.Lock()
			f := sub.units[0].feeds[1]
			f.stored.offset, f.ledger.log = 5, c.log
			sub.mu.Unlock()
			sub.keeper.trim(r.t.Context())
			r.f.with(func(f *fake) {
				if f.topics.trims != c.want {
					r.t.Errorf("%s was trimmed %d times, want %d", c.name, f.topics.trims, c.want)
				}
			})
		}
	})
}

func TestDeleted_MembersMakeTheTopicAgain(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	readsOf(t, newFakeWithIDs(), before, Config{}, billing(1000), func(r *reading) {
		spec := driver.TopicSpec{Name: fakeTopic, Partitions: 1}
		if err := r.d.Declare(r.t.Context(), []driver.TopicSpec{spec}); err != nil {
			r.t.Fatal(err)
		}
		r.until(time.Minute)
		spec.MaxAge = time.Hour // as another Declare would have left it
		r.d.admin.told.Store(fakeTopic, spec)
		tier := inboxTopics(fakeTopic, "billing")[0]
		r.f.replace(r.t, 0)
		r.f.with(func(f *fake) { f.topics.gone[fakeTopic], f.topics.gone[tier] = true, true })
		r.until(5 * time.Second)
		r.f.with(func(f *fake) {
			if len(f.topics.gone) > 0 || len(f.topics.made) != 2 {
				r.t.Fatalf("created were %+v, and %v are missing", f.topics.made, f.topics.gone)
			}
			topic, inbox := f.topics.made[0], f.topics.made[1]
			if topic.Name != fakeTopic || topic.NumPartitions != 1 || len(topic.Configs) != 1 || topic.Configs[0].Value != "3600000" {
				r.t.Errorf("the topic was made as %+v", topic)
			}
			if inbox.Name != tier || inbox.NumPartitions != 1 || len(inbox.Configs) != len(kept()) {
				r.t.Errorf("the inbox was made as %+v", inbox)
			}
			f.group.holds(r.t, 0, after)
		})
		if n := r.until(time.Minute); n != after {
			r.t.Errorf("%d of the new log came, want %d", n, after)
		}
		r.stands(after)
		r.lost(-1, -1) // of the topic and of the tier
	})
}

func TestDeleted_NobodyMakesWhatIsNotToBeMade(t *testing.T) {
	t.Parallel()
	f := newFakeWithIDs()
	cfg := Config{Declare: DeclareCreate}
	readsOf(t, f, 10, cfg, billing(1000), func(r *reading) {
		r.d.cfg.Declare = DeclareVerify // the fake's group was not there before
		held := r.receive(time.Minute)
		f.with(func(f *fake) { f.topics.gone[fakeTopic] = true })
		r.until(time.Minute)
		f.with(func(f *fake) {
			if len(f.topics.made) > 0 {
				r.t.Errorf("created were %+v", f.topics.made)
			}
			f.group.refuse = 3 // as a coordinator does that does not know the topic
		})
		r.ack(held...)
		began := time.Now()
		if err := r.sub.Close(r.t.Context()); err != nil || time.Since(began) > time.Second {
			r.t.Errorf("closing took %v, and said %v: what is left can't be stored anywhere", time.Since(began), err)
		}
		r.lost()
	})
}

func TestDeleted_ABroadcastGoesOnInTheNewLog(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	spec := billing(1000)
	spec.Group, spec.Broadcast = "", true
	readsOf(t, newFakeWithIDs(), before, Config{}, spec, func(r *reading) {
		if n := r.until(5 * time.Second); n != 0 {
			r.t.Fatalf("%d came, want what is published from now on", n)
		}
		r.f.replace(r.t, after)
		if n := r.until(time.Minute); n != after {
			r.t.Errorf("%d of the new log came, want %d", n, after)
		}
		r.lost(-1)
	})
}

func TestDeleted_AHistoryIsNotReadOnInAnotherLog(t *testing.T) {
	t.Parallel()
	readsOf(t, newFakeWithIDs(), 500, Config{}, billing(1000), func(r *reading) {
		h, err := r.d.Read(r.t.Context(), fakeTopic, driver.Start{Kind: driver.StartOldest}, "")
		if err != nil {
			r.t.Fatal(err)
		}
		defer func() { _ = h.Close(context.WithoutCancel(r.t.Context())) }()
		r.f.replace(r.t, 600)
		if _, err := h.Next(r.t.Context()); !errors.Is(err, driver.ErrPosition) {
			r.t.Errorf("reading on: %v, want that the position is gone", err)
		}
	})
}

// Brokers before 3.1 are asked by name. What they tell of ids shows at the next look.
func TestDeleted_BrokersThatAreAskedByNameTellItLater(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	f := newFakeWithIDs()
	f.topics.named = true
	readsOf(t, f, before, Config{}, billing(1000), func(r *reading) {
		r.until(time.Minute)
		r.f.replace(r.t, after)
		<-time.After(2 * lookPause)
		if n := r.until(time.Minute); n < after {
			r.t.Errorf("%d of the new log came, want at least %d", n, after)
		}
		r.lost(-1)
		r.stands(after)
	})
}

func TestDeleted_AFailingPolicyEndsTheSubscription(t *testing.T) {
	t.Parallel()
	readsOf(t, newFakeWithIDs(), 10, Config{OutOfRange: OutOfRangeFail}, billing(1000), func(r *reading) {
		r.until(time.Second)
		r.f.replace(r.t, 20)
		_, err := r.sub.Receive(r.t.Context(), 10, 1<<20)
		if !errors.Is(err, driver.ErrPosition) {
			r.t.Errorf("receive: %v, want that the position is gone", err)
		}
	})
}

// The new topic has fewer partitions. What comes into the others once they are added is read from its beginning.
func TestDeleted_APartitionThatTheNewTopicLacksIsWaitedFor(t *testing.T) {
	t.Parallel()
	const before, after = 100, 150
	f := newFakeWithIDs()
	f.partitions = 2
	readsOf(t, f, before, Config{}, billing(1000), func(r *reading) {
		f.with(func(f *fake) { f.group.holds(r.t, 1, before) })
		if n := r.until(time.Minute); n != 2*before {
			r.t.Fatalf("%d came, want %d", n, 2*before)
		}
		f.replace(r.t, after)
		f.with(func(f *fake) { f.partitions = 1 })
		if n := r.until(time.Minute); n != after {
			r.t.Errorf("%d of the new log came, want %d", n, after)
		}
		r.stands(after)
		r.lost(-1, -1) // of the partition that is not there too
		f.with(func(f *fake) { f.partitions = 2 })
		f.with(func(f *fake) { f.group.holds(r.t, 1, after) })
		if n := r.until(time.Minute); n != after {
			r.t.Errorf("%d of the partition that was added came, want %d", n, after)
		}
		r.lost(-1, -1)
	})
}
