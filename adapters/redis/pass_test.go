package redis_test

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// Whatever comes straight and whatever comes by Receive is one sequence, within the window, and nothing of it twice.
func TestPass_KeepsTheOrder_BesideReceive(t *testing.T) {
	t.Parallel()
	const n, window = 20_000, 50
	var (
		mu   sync.Mutex
		next int
		s    driver.Subscription
	)
	take := func(msgs []*driver.Message) {
		mu.Lock()
		defer mu.Unlock()
		var outcomes []driver.Outcome
		for _, m := range msgs {
			if m.Position != strconv.Itoa(next) {
				t.Errorf("got %s, want %d", m.Position, next)
			}
			next++
			outcomes = append(outcomes, driver.Outcome{Message: m})
		}
		s.Settle(outcomes)
	}
	m := redis.NewPasser(window, func(msgs []*driver.Message) bool {
		take(msgs)
		return true
	})
	s = m.Subscription()
	var received sync.WaitGroup
	received.Go(func() {
		for {
			msgs, err := s.Receive(t.Context(), window, 1<<20)
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				return
			}
			take(msgs)
		}
	})
	for i := range n {
		m.Pass(strconv.Itoa(i))
	}
	m.Await()
	s.Stop()
	received.Wait()
	if next != n {
		t.Errorf("%d of %d came", next, n)
	}
}

// What another reader brings while a message is handed over waits for its turn.
func TestPass_HoldsReceiveBack_WhileItHandsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			m   *redis.Reader
			got []string
		)
		take := func(msgs []*driver.Message) {
			for _, msg := range msgs {
				got = append(got, msg.Position)
			}
		}
		m = redis.NewPasser(10, func(msgs []*driver.Message) bool {
			m.Pass("1")
			synctest.Wait() // Receive has done what it wants to
			take(msgs)
			return true
		})
		var received sync.WaitGroup
		received.Go(func() {
			msgs, err := m.Subscription().Receive(t.Context(), 10, 1<<20)
			if err != nil {
				t.Error(err)
			}
			take(msgs)
		})
		synctest.Wait()
		m.Pass("0")
		received.Wait()
		if !slices.Equal(got, []string{"0", "1"}) {
			t.Errorf("came as %v, want 0 and then 1", got)
		}
	})
}
