package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

func TestAnswersAreFates(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]driver.Fate{
		bulk("1-0"): driver.Stored,
		"$-1\r\n":   driver.Unroutable,
		"-OOM command not allowed when used memory > 'maxmemory'.\r\n":           driver.Unavailable,
		"-LOADING Redis is loading the dataset in memory\r\n":                    driver.Unavailable,
		"-MISCONF Redis is configured to save RDB snapshots\r\n":                 driver.Unavailable,
		"-READONLY You can't write against a read only replica.\r\n":             driver.Unavailable,
		"-NOREPLICAS Not enough good replicas to write.\r\n":                     driver.Unavailable,
		"-NOPERM User x has no permissions to run the 'xadd' command\r\n":        driver.Denied,
		"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n": driver.Invalid,
		"": driver.Unconfirmed,
	} {
		d := connect(t, &fake{answer: withGroup(func([]string) string { return answer })}, nil)
		got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{Body: []byte("x")})[0]
		if got.fate != want || (got.err == nil) != (want == driver.Stored) {
			t.Errorf("%q is %v (%v), want %v", answer, got.fate, got.err, want)
		}
		if want == driver.Denied && !strings.Contains(got.err.Error(), "'xadd'") {
			t.Errorf("the error does not name the command: %v", got.err)
		}
	}
}

func TestARefusedMessageLeavesItsNeighboursAlone(t *testing.T) {
	t.Parallel()
	d := connect(t, &fake{answer: withGroup(func(args []string) string {
		if args[len(args)-1] == "bad" {
			return "-OOM command not allowed\r\n"
		}
		return bulk("1-0")
	})}, nil)
	got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{}, &driver.Message{Body: []byte("bad")}, &driver.Message{})
	if got[0].fate != driver.Stored || got[1].fate != driver.Unavailable || got[2].fate != driver.Stored {
		t.Errorf("fates are %v", got)
	}
}

func TestOneAnswerLostIsUnconfirmedFromThereOn(t *testing.T) {
	t.Parallel()
	n := 0
	d := connect(t, &fake{answer: withGroup(func([]string) string {
		if n++; n == 2 {
			return ""
		}
		return bulk("1-0")
	})}, nil)
	got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{}, &driver.Message{}, &driver.Message{})
	for _, o := range got[1:] {
		if o.fate != driver.Unconfirmed {
			t.Errorf("message %d is %v (%v), want unconfirmed", o.i, o.fate, o.err)
		}
	}
	if n != 2 {
		t.Errorf("the server saw %d messages: something was sent twice", n)
	}
}

func TestWhatIsSentWhileAPipelineIsUnderWayGoesTogether(t *testing.T) {
	t.Parallel()
	const callers = 50
	hold, came := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var order []string
	first := true
	f := &fake{answer: withGroup(func(args []string) string {
		mu.Lock()
		order = append(order, args[len(args)-1])
		mine := first
		first = false
		mu.Unlock()
		if mine {
			close(came)
			<-hold
		}
		return bulk("1-0")
	})}
	d := connect(t, f, nil)
	o := make(outcomes, callers+1) // room for all: Done must not block
	send := func(i int) {
		d.Publisher().Send(t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{{Body: fmt.Append(nil, i)}}, o)
	}
	send(0)
	<-came
	for i := range callers {
		send(i + 1)
	}
	close(hold)
	for range callers + 1 {
		if got := <-o; got.fate != driver.Stored {
			t.Fatalf("%v (%v)", got.fate, got.err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i, body := range order {
		if body != fmt.Sprint(i) {
			t.Fatalf("number %d is %s: the order of the calls is lost", i, body)
		}
	}
}

func TestWhatFallsShortOfTheDurabilityIsUnconfirmed(t *testing.T) {
	t.Parallel()
	for durability, answers := range map[string]map[string]driver.Fate{
		"aof":        {"*2\r\n:1\r\n:0\r\n": driver.Stored, "*2\r\n:0\r\n:0\r\n": driver.Unconfirmed},
		"replicas:2": {":2\r\n": driver.Stored, ":1\r\n": driver.Unconfirmed, "-ERR not allowed\r\n": driver.Unconfirmed},
	} {
		for answer, want := range answers {
			inner := withGroup(func([]string) string { return bulk("1-0") })
			d := connect(t, &fake{answer: func(args []string) string {
				if strings.HasPrefix(strings.ToLower(args[0]), "wait") {
					return answer
				}
				return inner(args)
			}}, func(c *redis.Config) { c.Durability = durability })
			got := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{})[0]
			if got.fate != want {
				t.Errorf("%s answered with %q is %v (%v), want %v", durability, answer, got.fate, got.err, want)
			}
		}
	}
}

func TestNothingIsClaimedWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	f := &fake{answer: withGroup(func([]string) string { return bulk("1-0") })}
	d := connect(t, f, nil)
	f.leave(true)
	hasty := publish(t, d, driver.Address{Topic: "orders"}, &driver.Message{FailFast: true})[0]
	if hasty.fate != driver.Unavailable || !errors.Is(hasty.err, driver.ErrDisconnected) {
		t.Errorf("FailFast is %v (%v)", hasty.fate, hasty.err)
	}
	o := make(outcomes, 1) // room for all: Done must not block
	m := &driver.Message{}
	d.Publisher().Send(t.Context(), driver.Address{Topic: "orders"}, []*driver.Message{m}, o)
	if !m.Withdraw() {
		t.Error("a message that waits for the server was claimed")
	}
	f.leave(false)
	if got := <-o; got.fate != driver.Unavailable || !errors.Is(got.err, driver.ErrWithdrawn) {
		t.Errorf("what was withdrawn is %v (%v)", got.fate, got.err)
	}
}

func TestWrongPasswordsFailAtOnceAndAreNotRepeated(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(args []string) string {
		return "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
	}}
	_, err := redis.New(t.Context(), redis.Config{Dial: f.dial, Password: "canary"})
	if err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "canary") {
		t.Errorf("New: %v", err)
	}
}
