package rabbitmq

import (
	"errors"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// survey counts the messages of a group that are not finished. They wait on its ladder, wait in its queues, or are in the hands of its members, and
// go from one to the other meanwhile. So the members are asked before and after the queues are counted, and tell how many they have ever had: what
// is in no queue when these are counted was in hand before, or came since.
type survey struct {
	count func() (counts, error)
	ask   func(members int) ([]inHand, error)
}

// surveys is how often members are asked again because one has come or gone.
const surveys = 5

var errRestless = errors.New("members of the group come and go")

// lag returns the number of members and what is not finished.
func (v *survey) lag(now time.Time) (members int, lag driver.Lag, err error) {
	first, err := v.count()
	if err != nil {
		return 0, driver.Lag{}, err
	}
	for range surveys {
		before, err := v.ask(first.members)
		if err != nil {
			return first.members, driver.Lag{}, err
		}
		second, err := v.count()
		if err != nil {
			return first.members, driver.Lag{}, err
		}
		if second.members != first.members {
			first = second
			continue
		}
		after, err := v.ask(second.members)
		if err != nil {
			return second.members, driver.Lag{}, err
		}
		if !same(before, after) {
			first = second
			continue
		}
		return second.members, unfinished(first, second, before, after, now), nil
	}
	return first.members, driver.Lag{}, errRestless
}

// same reports whether the same members have answered. One that left took to a queue what it held, and one that came took from there.
func same(before, after []inHand) bool {
	return slices.Equal(ids(before), ids(after))
}

func ids(all []inHand) []string {
	list := make([]string, len(all))
	for i := range all {
		list[i] = all[i].ID
	}
	slices.Sort(list)
	return list
}

// unfinished adds up. The broker moves what is due from the ladder to the queues by itself, and counts it nowhere meanwhile: what was on the ladder
// a moment ago counts.
func unfinished(first, second counts, before, after []inHand, now time.Time) driver.Lag {
	a, b := total(before), total(after)
	lag := driver.Lag{
		Count: int64(second.ready) + max(a.Topic+b.TopicEver-a.TopicEver, b.Topic),
		Later: int64(max(first.later, second.later)) + max(a.Inbox+b.InboxEver-a.InboxEver, b.Inbox),
	}
	if oldest := older(a.Sent, b.Sent); oldest > 0 && lag.Count > 0 {
		lag.Age = max(0, now.Sub(time.UnixMilli(oldest)))
	}
	return lag
}

// total is what all members hold and ever had.
func total(all []inHand) (sum inHand) {
	for i := range all {
		h := &all[i]
		sum.Topic += h.Topic
		sum.Inbox += h.Inbox
		sum.TopicEver += h.TopicEver
		sum.InboxEver += h.InboxEver
		sum.Sent = older(sum.Sent, h.Sent)
	}
	return sum
}

// older is the earlier of two times, of which 0 is none.
func older(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
