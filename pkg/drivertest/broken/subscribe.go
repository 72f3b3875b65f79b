package broken

import (
	"github.com/herald-go/herald/pkg/driver"
)

func subscribeFaults() []Fault {
	return []Fault{
		subscribing("ignores the window", "window/no more than Window messages are handed out and not settled", func(_ *conn, spec *driver.Spec) {
			spec.Window, spec.WindowBytes = 1<<20, 1<<30
		}),
		subscribing("gives each member everything", "groups/members share the work of a group", func(_ *conn, spec *driver.Spec) {
			if spec.Group != "" {
				spec.Group += "-" + spec.Member
			}
		}),
		subscribing("lets groups of one name meet", "groups/two groups each get everything, once", func(_ *conn, spec *driver.Spec) {
			if spec.Group != "" {
				spec.Group = "one-for-all"
			}
		}),
		subscribing("starts at the newest", "start/a new group starts at the oldest that the broker holds", func(_ *conn, spec *driver.Spec) {
			if spec.Start.Kind == driver.StartDefault {
				spec.Start.Kind = driver.StartNewest
			}
		}),
		subscribing("replays the past to a broadcast", "broadcast/each reader gets all, from now on", func(c *conn, spec *driver.Spec) {
			if !spec.Broadcast {
				return
			}
			spec.Broadcast, spec.Start.Kind = false, driver.StartOldest
			spec.Group = "reader-" + spec.Member
		}),
		subscribing("forgets the partitions", "source/a key stays in order across members", func(_ *conn, spec *driver.Spec) {
			spec.Partitions = 0
		}),
		subscribing("lets the filter of a member vary", "filter/live members with another filter are ErrConflict", func(_ *conn, spec *driver.Spec) {
			spec.Types = nil
		}),
	}
}

// subscribing is a fault in what Subscribe asks of the broker.
func subscribing(name, caught string, f func(c *conn, spec *driver.Spec)) Fault {
	return Fault{Name: name, Caught: caught, Wrap: func(good driver.Driver) driver.Driver { return wrap(good, faults{subscribe: f}) }}
}
