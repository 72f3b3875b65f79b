package redis_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// What an audit does not take for in hand is given to others: that must be nothing that a handler has, or of which the broker is being told.
func TestAudit_CountsAllAsInHandThatTheBrokerMayNotKnowOf(t *testing.T) {
	t.Parallel()
	m := redis.NewReader(10)
	m.Arrive(5)
	msgs, err := m.Subscription().Receive(t.Context(), 4, 1<<20) // the fifth is ready
	if err != nil || len(msgs) != 4 {
		t.Fatalf("received %d, %v", len(msgs), err)
	}
	all := []string{"0", "1", "2", "3", "4"}
	check := func(when string, want []string) {
		t.Helper()
		if got := m.Held(); !slices.Equal(got, want) {
			t.Errorf("%s: in hand is %q, want %q", when, got, want)
		}
	}
	check("handlers are at work", all)
	m.Subscription().Settle([]driver.Outcome{{Message: msgs[0]}, {Message: msgs[1], Verdict: driver.Release}})
	check("two are settled", all)
	m.Work(t.Context())
	check("the broker is told of the ack", all)
	m.Subscription().Settle([]driver.Outcome{{Message: msgs[2]}})
	check("and another one is settled", all)
	m.Answer()
	check("the broker has answered", all[1:])
	m.Work(t.Context())
	m.Answer()
	m.Work(t.Context())
	check("the broker is told of the release", []string{"1", "3", "4"})
	m.Answer()
	check("the broker has answered to all", all[3:])
}

// A read that is under way brings what nobody here knows of: it ends first, and none begins.
func TestAudit_WaitsForTheReadThatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := redis.NewReader(10)
		again, reads, err := m.Audits(t.Context())
		if again != 0 || !reads || err != nil {
			t.Errorf("before it is due: look again after %v, may read: %v, %v", again, reads, err)
		}
		time.Sleep(redis.AuditFirst)
		again, reads, err = m.Audits(t.Context())
		if again == 0 || reads || err != nil {
			t.Errorf("once it is due: look again after %v, may read: %v, %v", again, reads, err)
		}
	})
}

// What one audit has found may have been on its way somewhere: only what the next one finds, too, is given back.
func TestAudit_GivesBackWhatItFindsTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := redis.NewReader(10)
		for i, c := range []struct {
			found, back []string
			again       bool
		}{
			{found: []string{"1", "2"}, again: true},
			{found: []string{"2", "3"}, back: []string{"2"}, again: true},
			{found: nil},
			{found: []string{"3"}, again: true},
			{found: []string{"3"}, back: []string{"3"}},
		} {
			if back, again := m.Stray(c.found...); !slices.Equal(back, c.back) || again != c.again {
				t.Errorf("audit %d gives back %q and looks again at once: %v; want %q, %v", i, back, again, c.back, c.again)
			}
		}
	})
}
