package redis_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

const gatherWindow = 1000

// busy returns a member that has so many messages in hand, handed out, and finds more than fits.
func busy(t *testing.T, n int) (m *redis.Reader, held []*driver.Message) {
	t.Helper()
	m = redis.NewReader(gatherWindow)
	m.Arrive(n)
	held, err := m.Subscription().Receive(t.Context(), n, 1<<30)
	if err != nil || len(held) != n {
		t.Fatalf("%d messages, %v", len(held), err)
	}
	return m, held
}

// ack settles the first n messages, and returns the others.
func ack(m *redis.Reader, held []*driver.Message, n int) []*driver.Message {
	outcomes := make([]driver.Outcome, n)
	for i := range outcomes {
		outcomes[i].Message = held[i]
	}
	m.Subscription().Settle(outcomes)
	return held[n:]
}

func TestAcksGatherWhileHandlersAreBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, held := busy(t, 900)
		began := time.Now()
		go func() {
			for range 20 {
				held = ack(m, held, 4)
				time.Sleep(100 * time.Microsecond)
			}
		}()
		if n, took := m.Work(t.Context()), time.Since(began); n < 36 || took != time.Millisecond {
			t.Errorf("after %v %d acks go together, want what gathers in 1ms", took, n)
		}
		m.Answer()
		synctest.Wait()
		time.Sleep(time.Second)
	})
}

func TestAcksDoNotWaitForOthersThatCannotCome(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(m *redis.Reader, held []*driver.Message){
		"they are many":         func(m *redis.Reader, held []*driver.Message) { ack(m, held, gatherWindow/8) },
		"nothing else is held":  func(m *redis.Reader, held []*driver.Message) { ack(m, held[:4], 4); ack(m, held[4:], len(held)-4) },
		"the member is stopped": func(m *redis.Reader, held []*driver.Message) { ack(m, held, 1); m.Subscription().Stop() },
	} {
		synctest.Test(t, func(t *testing.T) {
			m, held := busy(t, 900)
			began := time.Now()
			go prepare(m, held)
			if n, took := m.Work(t.Context()), time.Since(began); n == 0 || took != 0 {
				t.Errorf("%s: %d acks go after %v", name, n, took)
			}
		})
	}
}

func TestAReadLeavesHalfOfTheWindowForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := redis.NewReader(gatherWindow)
		first, second := m.Ask(t.Context()), m.Ask(t.Context())
		if first != gatherWindow/2 || second != gatherWindow/2 {
			t.Errorf("reads ask for %d and %d", first, second)
		}
		if one := redis.NewReader(1).Ask(t.Context()); one != 1 {
			t.Errorf("with a window of 1 a read asks for %d", one)
		}
	})
}

func TestAReadWaitsForRoomThatIsWorthIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, held := busy(t, gatherWindow-10) // room for 10 is little, since there is more to come than fits
		began := time.Now()
		go func() {
			time.Sleep(300 * time.Microsecond)
			ack(m, held, gatherWindow/4)
			if n := m.Work(t.Context()); n != gatherWindow/4 {
				t.Errorf("%d acks go together", n)
			}
			m.Answer()
		}()
		if n, took := m.Ask(t.Context()), time.Since(began); n != gatherWindow/4+10 || took != 300*time.Microsecond {
			t.Errorf("after %v a read asks for %d", took, n)
		}
		m, _ = busy(t, gatherWindow-10)
		began = time.Now()
		if n, took := m.Ask(t.Context()), time.Since(began); n != 10 || took != time.Millisecond {
			t.Errorf("with handlers that take long, a read asks for %d after %v", n, took)
		}
	})
}
