package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// fates collects what became of messages, by id.
type fates struct {
	mu   sync.Mutex
	msgs []*driver.Message
	got  map[string]driver.Fate
	errs map[string]error
	ids  []string
}

func (r *fates) Done(i int, fate driver.Fate, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.got[r.ids[i]] != 0 {
		fate = 99 // twice
	}
	r.got[r.ids[i]], r.errs[r.ids[i]] = fate, err
}

func (r *fates) of(id string) driver.Fate {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got[id]
}

// bench is a driver over a fake, inside a bubble.
type bench struct {
	t *testing.T
	f *fake
	d *Driver
}

func inBubble(t *testing.T, partitions int, run func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(partitions)
		d, err := New(t.Context(), Config{Brokers: []string{"fake:9092"}, Dial: f.Dial})
		if err != nil {
			t.Fatal(err)
		}
		run(&bench{t, f, d})
		if err := d.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		f.pumps.Wait()
	})
}

// send publishes messages of these ids, which are their keys' names too where there is more than one partition.
func (b *bench) send(ids ...string) *fates {
	r := &fates{ids: ids, got: map[string]driver.Fate{}, errs: map[string]error{}}
	for _, id := range ids {
		r.msgs = append(r.msgs, &driver.Message{ID: id, Key: "k", Slot: driver.Slot("k"), Body: []byte(id)})
	}
	b.d.Publisher().Send(b.t.Context(), driver.Address{Topic: fakeTopic}, r.msgs, r)
	return r
}

func (b *bench) want(r *fates, fate driver.Fate) {
	b.t.Helper()
	synctest.Wait()
	for _, id := range r.ids {
		if got := r.of(id); got != fate {
			b.t.Errorf("%s is %v (%v), want %v", id, got, r.errs[id], fate)
		}
	}
}

// brief says what was sent: producer, epoch, sequence and ids of each attempt.
func brief(all []attempt) []string {
	var lines []string
	for _, a := range all {
		lines = append(lines, fmt.Sprintf("p%d pid%d e%d s%d %v", a.partition, a.producer.id, a.producer.epoch, a.sequence, a.ids))
	}
	return lines
}

func (b *bench) sent(want ...string) {
	b.t.Helper()
	if got := brief(b.f.seen()); !slices.Equal(got, want) {
		b.t.Errorf("sent\n%q\nwant\n%q", got, want)
	}
}

// script answers attempt after attempt; what follows is stored.
func script(verdicts ...verdict) func(attempt) verdict {
	return func(attempt) verdict {
		if len(verdicts) == 0 {
			return verdict{}
		}
		v := verdicts[0]
		verdicts = verdicts[1:]
		return v
	}
}

func TestPublisher_CountsSequencesAndGathersWhileOneIsUnderWay(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		hold := make(chan struct{})
		b.f.answer = script(verdict{hold: hold})
		first := b.send("a", "b")
		synctest.Wait()
		rest := []*fates{b.send("c"), b.send("d", "e")}
		synctest.Wait()
		close(hold)
		for _, r := range append(rest, first) {
			b.want(r, driver.Stored)
		}
		b.want(b.send("f"), driver.Stored)
		b.sent("p0 pid4001 e0 s0 [a b]", "p0 pid4001 e0 s2 [c d e]", "p0 pid4001 e0 s5 [f]")
	})
}

func TestPublisher_SendsTheSameBytesAgainUntilTheyAreAnswered(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]verdict{
		"a broken connection": {hangUp: true}, "REQUEST_TIMED_OUT": {code: 7}, "NOT_ENOUGH_REPLICAS_AFTER_APPEND": {code: 20},
		"no answer in time": {hold: make(chan struct{}, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, 1, func(b *bench) {
				v := v
				if v.hold != nil {
					v.hold = make(chan struct{})
					time.AfterFunc(10*time.Minute, func() { close(v.hold) })
				}
				b.f.answer = script(v, v, verdict{})
				r := b.send("a", "b")
				synctest.Wait()
				later := b.send("c")
				time.Sleep(5 * time.Minute)
				b.want(r, driver.Stored)
				b.want(later, driver.Stored)
				all := b.f.seen()
				if len(all) != 4 || all[0].bytes != all[1].bytes || all[1].bytes != all[2].bytes || all[3].sequence != int32(len(all[0].ids)) {
					t.Errorf("sent %q, want the same bytes three times, then what follows", brief(all))
				}
				if v.hold != nil {
					time.Sleep(10 * time.Minute)
				}
			})
		})
	}
}

func TestPublisher_BeginsANewEpochWhereTheBrokerLostTrack(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]int16{"OUT_OF_ORDER": 45, "INVALID_PRODUCER_EPOCH": 47, "UNKNOWN_PRODUCER_ID": 59} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, 1, func(b *bench) {
				b.want(b.send("a"), driver.Stored)
				b.f.mu.Lock()
				b.f.answer = script(verdict{code: code})
				b.f.mu.Unlock()
				b.want(b.send("b"), driver.Stored)
				b.want(b.send("c"), driver.Stored)
				b.sent("p0 pid4001 e0 s0 [a]", "p0 pid4001 e0 s1 [b]", "p0 pid4001 e1 s0 [b]", "p0 pid4001 e1 s1 [c]")
			})
		})
	}
}

func TestPublisher_DoesNotKnowWhatBecameOfABatchThatWasNotAnsweredBeforeThat(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.f.answer = script(verdict{hangUp: true}, verdict{code: 45})
		r := b.send("a")
		time.Sleep(time.Minute)
		b.want(r, driver.Unconfirmed)
		b.want(b.send("b"), driver.Stored)
		b.sent("p0 pid4001 e0 s0 [a]", "p0 pid4001 e0 s0 [a]", "p0 pid4001 e1 s0 [b]")
	})
}

func TestPublisher_TakesADuplicateForStored(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.f.answer = script(verdict{hangUp: true}, verdict{code: 46})
		r := b.send("a")
		time.Sleep(time.Minute)
		b.want(r, driver.Stored)
		b.want(b.send("b"), driver.Stored)
		b.sent("p0 pid4001 e0 s0 [a]", "p0 pid4001 e0 s0 [a]", "p0 pid4001 e0 s1 [b]")
	})
}

func TestPublisher_GoesToTheNextLeader(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.f.answer = script(verdict{code: 6}, verdict{code: 5}, verdict{code: 74})
		r := b.send("a")
		time.Sleep(time.Minute)
		b.want(r, driver.Stored)
		if n := len(b.f.seen()); n != 4 {
			b.t.Errorf("%d attempts, want 4", n)
		}
	})
}

func TestPublisher_RefusesOneBadRecordAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code int16
		fate driver.Fate
	}{"MESSAGE_TOO_LARGE": {10, driver.TooLarge}, "INVALID_RECORD": {87, driver.Invalid}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, 1, func(b *bench) {
				b.f.answer = func(a attempt) verdict {
					if slices.Contains(a.ids, "bad") {
						return verdict{code: c.code}
					}
					return verdict{}
				}
				r := b.send("a", "b", "bad", "c", "d")
				synctest.Wait()
				var stored []string
				next := int32(0)
				for _, a := range b.f.seen() {
					if slices.Contains(a.ids, "bad") {
						continue
					}
					if a.sequence != next {
						b.t.Errorf("%v has the sequence %d, want %d", a.ids, a.sequence, next)
					}
					next += int32(len(a.ids))
					stored = append(stored, a.ids...)
				}
				if want := []string{"a", "b", "c", "d"}; !slices.Equal(stored, want) {
					b.t.Errorf("stored %v, want %v", stored, want)
				}
				for _, id := range r.ids {
					want := driver.Stored
					if id == "bad" {
						want = c.fate
					}
					if got := r.of(id); got != want {
						b.t.Errorf("%s is %v, want %v", id, got, want)
					}
				}
			})
		})
	}
}

func TestPublisher_GivesUpForWantOfReplicas(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.f.answer = func(attempt) verdict { return verdict{code: 19} }
		r := b.send("a")
		time.Sleep(time.Minute)
		b.want(r, driver.Unavailable)
		b.f.mu.Lock()
		b.f.answer = nil
		b.f.mu.Unlock()
		r = b.send("b")
		time.Sleep(time.Minute)
		b.want(r, driver.Stored)
		if last := b.f.seen()[len(b.f.seen())-1]; last.sequence != 0 {
			b.t.Errorf("the first that is stored has the sequence %d, want 0", last.sequence)
		}
	})
}

// list lets the fake list its group, or none.
func (f *fake) list(listed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listless = !listed
}

func TestPublisher_WaitsForGroupsThatTheBrokerHasNotReadYet(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.want(b.send("a"), driver.Stored)
		b.f.list(false)
		time.Sleep(routeKept)
		r := b.send("b")
		time.Sleep(groupsAway / 2)
		b.want(r, 0)
		b.f.list(true)
		time.Sleep(groupsAway / 2)
		b.want(r, driver.Stored)
	})
}

func TestPublisher_DoesNotWaitForEverForAGroup(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.want(b.send("a"), driver.Stored)
		b.f.list(false)
		time.Sleep(routeKept)
		r := b.send("b")
		time.Sleep(groupsAway + retryMost)
		b.want(r, driver.Unroutable)
		b.want(b.send("c"), driver.Unroutable)
	})
}

func TestPublisher_DeniesWhatTheBrokerDenies(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.f.answer = script(verdict{code: 29})
		b.want(b.send("a"), driver.Denied)
		b.want(b.send("b"), driver.Stored)
	})
}

func TestPublisher_APartitionWithoutLeaderHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	inBubble(t, 2, func(b *bench) {
		lost := partitionOf("k", 2)
		b.f.leaderless[lost] = true
		waiting := b.send("a", "b")
		key := "x"
		for partitionOf(key, 2) == lost {
			key += "x"
		}
		other := &fates{ids: []string{"c"}, got: map[string]driver.Fate{}, errs: map[string]error{}}
		b.d.Publisher().Send(b.t.Context(), driver.Address{Topic: fakeTopic}, []*driver.Message{{ID: "c", Key: key}}, other)
		time.Sleep(time.Minute)
		b.want(other, driver.Stored)
		b.want(waiting, 0)
		if !waiting.msgs[1].Withdraw() {
			b.t.Error("a message that waits for a leader can be withdrawn")
		}
		b.f.mu.Lock()
		b.f.leaderless = nil
		b.f.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if a, w := waiting.of("a"), waiting.of("b"); a != driver.Stored || w != driver.Unavailable {
			b.t.Errorf("with a leader again a is %v and what was withdrawn %v", a, w)
		}
	})
}

func TestPublisher_CloseTellsWhatIsClaimedFromWhatIsNot(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		hold := make(chan struct{})
		b.f.answer = script(verdict{hold: hold, hangUp: true})
		claimed := b.send("a")
		synctest.Wait()
		waiting := b.send("b")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := b.d.Publisher().Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.t.Errorf("Close: %v, want the end of its context", err)
		}
		close(hold)
		b.want(claimed, driver.Unconfirmed)
		b.want(waiting, driver.Unavailable)
		b.want(b.send("c"), driver.Unavailable)
	})
}
