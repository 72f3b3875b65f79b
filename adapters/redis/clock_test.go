package redis_test

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

func TestDelaysAreMeasuredOnTheDriversClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2020, 1, 2, 3, 4, 5, 678_901_234, time.UTC) // the server's clock, and this machine's, are years ahead
	var mu sync.Mutex
	var got []string
	answer := withGroup(func([]string) string {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, "now")
		return bulk("1-0")
	})
	d := connect(t, &fake{answer: func(args []string) string {
		if strings.ToLower(args[0]) != "eval" {
			return answer(args)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, "in "+args[5]+" ms")
		return bulk("later")
	}}, nil)
	d.UseClock(func() time.Time { return now })
	due := []time.Time{{}, now.Add(-time.Hour), now, now.Add(10 * time.Second), now.Add(time.Nanosecond), now.Add(time.Hour + time.Microsecond)}
	msgs := make([]*driver.Message, len(due))
	for i := range due {
		msgs[i] = &driver.Message{NotBefore: due[i], Body: []byte("x")}
	}
	for i, o := range publish(t, d, driver.Address{Topic: "orders"}, msgs...) {
		if o.fate != driver.Stored {
			t.Errorf("message %d is %v (%v), want stored", i, o.fate, o.err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"now", "now", "now", "in 10000 ms", "in 1 ms", "in 3600001 ms"}; !reflect.DeepEqual(got, want) {
		t.Errorf("messages are sent %q, want %q", got, want)
	}
}

func TestAChannelRefusesWhatIsNotDueByTheDriversClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	d := connect(t, &fake{answer: func([]string) string { return ":1\r\n" }}, func(c *redis.Config) { c.PubSub = true })
	d.UseClock(func() time.Time { return now })
	got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{NotBefore: now}, &driver.Message{NotBefore: now.Add(time.Second)})
	if got[0].fate != driver.Stored || got[1].fate != driver.Invalid {
		t.Errorf("fates are %v, want stored and invalid", got)
	}
}
