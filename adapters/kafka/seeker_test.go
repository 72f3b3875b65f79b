package kafka

import (
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// A broker that has just begun may not know a topic for a moment.
func TestSeeker_BelievesOnlyAtTheSecondLookThatATopicIsGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		denials int
		want    driver.Fate
	}{"denied once": {1, driver.Stored}, "denied for good": {1 << 30, driver.Unroutable}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, 1, func(b *bench) {
				b.want(b.send("a"), driver.Stored)
				moved := true
				b.f.answer = func(attempt) verdict {
					if !moved {
						return verdict{}
					}
					moved, b.f.topics.unknown = false, c.denials
					return verdict{code: 6}
				}
				r := b.send("b")
				<-time.After(2 * time.Second)
				b.want(r, c.want)
			})
		})
	}
}
