package rabbitmq_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// walk is where an event is at each look of a survey: 'l' on the ladder, 'q' in a queue, 'h' in a hand.
type walk string

// walks are all ways of an event that is not finished, with at most one step between two looks.
func walks(looks int) []walk {
	all := []walk{"l", "q", "h"}
	next := map[byte]string{'l': "lq", 'q': "qh", 'h': "hlq"}
	for range looks - 1 {
		var longer []walk
		for _, w := range all {
			for _, place := range next[w[len(w)-1]] {
				longer = append(longer, w+walk(place))
			}
		}
		all = longer
	}
	return all
}

// surveyed is the lag of a group with these events and one member.
func surveyed(t *testing.T, events ...walk) driver.Lag {
	t.Helper()
	at := 0
	lag, err := rabbitmq.Survey(func(string) rabbitmq.Groups {
		g := rabbitmq.Groups{Members: []rabbitmq.Member{{ID: "one"}}}
		for _, w := range events {
			for i := range at + 1 {
				if w[i] == 'h' && (i == 0 || w[i-1] != 'h') {
					g.Members[0].Ever++
				}
			}
			switch w[at] {
			case 'l':
				g.Later++
			case 'q':
				g.Ready++
			case 'h':
				g.Members[0].Hand++
			}
		}
		at++
		return g
	})
	if err != nil {
		t.Fatal(err)
	}
	return lag
}

// Events that go from place to place while they are counted are counted once at least, and those that stay where they are just once.
func TestSurvey_MissesNothingThatMoves(t *testing.T) {
	t.Parallel()
	const looks = 6
	for _, a := range walks(looks) {
		for _, b := range walks(looks) {
			lag := surveyed(t, a, b)
			if lag.Count+lag.Later < 2 {
				t.Fatalf("of two events on their ways %s and %s the lag is %+v", a, b, lag)
			}
		}
	}
	if lag := surveyed(t, "llllll", "qqqqqq", "qqqqqq", "hhhhhh", "hhhhhh", "hhhhhh"); lag != (driver.Lag{Count: 5, Later: 1}) {
		t.Errorf("of six events that stay the lag is %+v", lag)
	}
}

// A member that leaves or comes while the events are counted takes some along: they are counted again.
func TestSurvey_BeginsAgainWhenMembersComeAndGo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		there []string // members at each look
		asked []string // what was looked at
		err   error
	}{
		"one stays": {[]string{"a"}, []string{"ladder", "queues", "members", "ladder", "queues", "members"}, nil},
		"one comes": {[]string{"a", "a", "a", "a", "ab"}, []string{
			"ladder", "queues", "members", "ladder", "queues", "members", "ladder", "queues", "members",
		}, nil},
		"one takes the place of another": {[]string{"a", "a", "a", "b"}, []string{
			"ladder", "queues", "members", "ladder", "queues", "members", "members", "ladder", "queues", "members",
		}, nil},
	} {
		var asked []string
		_, err := rabbitmq.Survey(func(what string) (g rabbitmq.Groups) {
			for _, id := range tc.there[min(len(asked), len(tc.there)-1)] {
				g.Members = append(g.Members, rabbitmq.Member{ID: string(id)})
			}
			asked = append(asked, what)
			return g
		})
		if !slices.Equal(asked, tc.asked) || !errors.Is(err, tc.err) {
			t.Errorf("%s: looked at %q, %v, want %q, %v", name, asked, err, tc.asked, tc.err)
		}
	}
	n := 0
	_, err := rabbitmq.Survey(func(string) rabbitmq.Groups {
		n++
		return rabbitmq.Groups{Members: []rabbitmq.Member{{ID: fmt.Sprint(n)}}}
	})
	if want := 2 + 4*rabbitmq.SurveysAtAll; !errors.Is(err, rabbitmq.ErrRestless) || n != want {
		t.Errorf("when they never stay: %v after %d looks, want an end after %d", err, n, want)
	}
}

// What a member lets go of, and what still comes to it then, is in its hand until the broker has it back: nobody else would count it.
func TestWhatAMemberLetsGoOfIsInItsHandUntilTheBrokerHasIt(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	split := rabbitmq.NewSplit(near)
	in := func(hand, ever int64) {
		t.Helper()
		if h, e := split.InHand(); h != hand || e != ever {
			t.Errorf("%d in hand of %d that came, want %d of %d", h, e, hand, ever)
		}
	}
	var two, more []byte
	for tag := range uint64(3) {
		f := rabbitmq.Deliver(1, "ours", tag+1, "orders", "t", &driver.Message{Body: []byte("x")})
		if more = append(more, f...); tag < 2 {
			two = append(two, f...)
		}
	}
	feed(t, split, far, two, len(two))
	in(2, 2)
	split.End()
	near, far = net.Pipe()
	split.Conn = near
	feed(t, split, far, more[len(two):], len(more)-len(two))
	in(3, 3)
	returned := split.Leave()
	in(3, 3)
	returned()
	in(0, 3)
}
