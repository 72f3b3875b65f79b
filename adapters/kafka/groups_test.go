package kafka

import (
	"errors"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// A group whose deletion was not answered, or was cut short, leaves no inbox behind that nobody can delete any more.
func TestDeleteGroup_TakesTheInboxOfAGroupThatIsGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(f *fake)
		want   error
		inbox  bool // is left
	}{
		"there":                           {before: func(*fake) {}},
		"deleted, and the answer is lost": {before: func(f *fake) { f.group.cutOff = 1 }},
		"deleted before its inbox":        {before: func(f *fake) { clear(f.group.stored) }},
		"without a position in the topic": {before: func(f *fake) {
			clear(f.group.stored)
			f.group.stored[target{inboxTopics(fakeTopic, "billing")[0], 0}] = committed{offset: 3}
		}},
		"gone with all": {before: func(f *fake) {
			clear(f.group.stored)
			for _, name := range inboxTopics(fakeTopic, "billing") {
				f.topics.gone[name] = true
			}
		}, want: driver.ErrUnknownTopic},
		"without positions yet, and with members": {before: func(f *fake) {
			clear(f.group.stored)
			f.group.members = 1
		}, want: driver.ErrInUse, inbox: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readsOf(t, newFakeWithIDs(), 10, Config{}, billing(1000), func(r *reading) {
				r.until(time.Second)
				if err := r.sub.Close(r.t.Context()); err != nil {
					r.t.Fatal(err)
				}
				r.f.with(c.before)
				if err := r.d.DeleteGroup(r.t.Context(), fakeTopic, "billing"); !errors.Is(err, c.want) {
					r.t.Errorf("deleting: %v, want %v", err, c.want)
				}
				r.f.with(func(f *fake) {
					if len(f.group.stored) > 0 {
						r.t.Errorf("positions are left: %v", f.group.stored)
					}
					for _, name := range inboxTopics(fakeTopic, "billing") {
						if f.topics.gone[name] == c.inbox {
							r.t.Errorf("%s is left: %v, want %v", name, !f.topics.gone[name], c.inbox)
						}
					}
				})
			})
		})
	}
}
