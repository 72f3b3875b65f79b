package redis_test

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// onChannels opens a driver for channels.
func onChannels(t *testing.T, f *fake) *redis.Driver {
	t.Helper()
	return connect(t, f, func(c *redis.Config) { c.PubSub = true })
}

func TestAnswersOfChannelsAreFates(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]driver.Fate{
		":2\r\n": driver.Stored,
		":0\r\n": driver.Unroutable,
		"-NOPERM No permissions to access a channel\r\n":       driver.Denied,
		"-OOM command not allowed when used memory\r\n":        driver.Unavailable,
		"-LOADING Redis is loading the dataset in memory\r\n":  driver.Unavailable,
		"-READONLY You can't write against a read only r.\r\n": driver.Unavailable,
		"": driver.Unconfirmed,
	} {
		d := onChannels(t, &fake{answer: func([]string) string { return answer }})
		for i := range 2 { // the first finds no connection, the second goes straight where the first was answered
			got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{Body: []byte("x")})[0]
			if got.fate != want || (got.err == nil) != (want == driver.Stored) {
				t.Errorf("message %d, answered %q, is %v (%v), want %v", i, answer, got.fate, got.err, want)
			}
		}
	}
}

// traced notes who writes.
type traced struct {
	net.Conn
	mu     *sync.Mutex
	stacks *[]string
}

func (c traced) Write(p []byte) (int, error) {
	c.mu.Lock()
	*c.stacks = append(*c.stacks, string(debug.Stack()))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func TestAMessageOnAnIdleLineIsWrittenByItsCaller(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func([]string) string { return ":1\r\n" }}
	var mu sync.Mutex
	var stacks []string
	d := connect(t, f, func(c *redis.Config) {
		c.PubSub = true
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := f.dial(ctx, network, address)
			return traced{conn, &mu, &stacks}, err
		}
	})
	publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{}) // opens the connection
	n := 0
	for tries := 0; n < 3 && tries < 1000; tries++ {
		mu.Lock()
		stacks = nil
		mu.Unlock()
		publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})
		mu.Lock()
		for _, s := range stacks {
			if strings.Contains(s, "(*caster).straight") && strings.Contains(s, "redis_test.publish") {
				n++
			}
		}
		mu.Unlock()
	}
	if n == 0 {
		t.Error("another goroutine writes every message")
	}
}

func TestOrderHoldsForMessagesThatGoStraight(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	came := map[string][]string{}
	d := onChannels(t, &fake{answer: func(args []string) string {
		m, _, _ := redis.DecodeNative([]byte(args[2]))
		mu.Lock()
		defer mu.Unlock()
		came[m.Key] = append(came[m.Key], m.ID)
		return ":1\r\n"
	}})
	const each = 200
	var senders, fates sync.WaitGroup
	for s := range 4 {
		senders.Go(func() {
			for i := 0; i < each; {
				var msgs []*driver.Message
				for range 1 + (i+s)%3 { // single ones go straight if they can
					msgs = append(msgs, &driver.Message{Key: fmt.Sprint(s), ID: fmt.Sprint(i)})
					i++
				}
				fates.Add(len(msgs))
				d.Publisher().Send(t.Context(), driver.Address{Topic: "orders"}, msgs, stored{t, &fates})
			}
		})
	}
	senders.Wait()
	fates.Wait()
	mu.Lock()
	defer mu.Unlock()
	for key, ids := range came {
		for i, id := range ids {
			if id != fmt.Sprint(i) {
				t.Fatalf("of sender %s, number %s is the %d. to come", key, id, i)
			}
		}
	}
	if len(came) != 4 {
		t.Errorf("messages of %d senders came", len(came))
	}
}

// stored wants every message stored.
type stored struct {
	t  *testing.T
	wg *sync.WaitGroup
}

func (s stored) Done(i int, fate driver.Fate, err error) {
	if fate != driver.Stored {
		s.t.Errorf("message %d is %v: %v", i, fate, err)
	}
	s.wg.Done()
}

func TestClosingGivesMessagesOnTheirWayAFate(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	end := make(chan struct{})
	n := 0
	d := onChannels(t, &fake{answer: func([]string) string {
		if n++; n == 1 {
			return ":1\r\n"
		}
		asked <- struct{}{}
		<-end
		return ""
	}})
	defer close(end)
	to := driver.Address{Topic: "orders"}
	publish(t, d, to, &driver.Message{})
	o := make(outcomes, 2)
	d.Publisher().Send(t.Context(), to, []*driver.Message{{}}, o)
	<-asked
	d.Publisher().Send(t.Context(), to, []*driver.Message{{}}, o)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = d.Publisher().Close(ended)
	_ = d.Close(ended)
	got := map[driver.Fate]int{(<-o).fate: 1}
	got[(<-o).fate]++
	if got[driver.Unconfirmed] != 1 || got[driver.Unavailable] != 1 {
		t.Errorf("fates are %v, want one unconfirmed and one unavailable", got)
	}
}
