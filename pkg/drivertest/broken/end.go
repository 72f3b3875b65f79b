package broken

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/herald-go/herald/pkg/driver"
)

// What drivers say that don't know the sentinels.
var (
	errTwice = errors.New("already closed")
	errOwn   = errors.New("no such thing")
)

// bare hides the side interfaces of a driver.
type bare struct{ driver.Driver }

func endFaults() []Fault {
	forever := func() { select {} }
	return []Fault{
		ending("leaks a goroutine per subscription", "close/closing a subscription leaves no goroutine behind", faults{
			subscribe: func(*conn, *driver.Spec) { go forever() },
		}),
		ending("leaks a goroutine per reconnect", "reconnect/a reconnect leaves no goroutine behind", faults{
			notice: func(_ *conn, n driver.Notice) {
				if n.Kind == driver.Disconnected {
					go forever()
				}
			},
		}),
		ending("fails the second Close", "close/Close is idempotent", faults{
			close: func(ctx context.Context, c *conn) error {
				c.mu.Lock()
				c.closes++
				again := c.closes > 1
				c.mu.Unlock()
				if again {
					return errTwice
				}
				return c.Driver.Close(ctx)
			},
		}),
		ending("is silent about its connection", "away/a driver tells its state at once, and when it loses and finds its broker", faults{
			mute: true,
		}),
		ending("hides what is in hand from the lag", "lag/Count is what the group has not finished, in hand included", faults{
			lag: func(l driver.Lag, err error) (driver.Lag, error) { return driver.Lag{Later: l.Later}, err },
		}),
		ending("knows the lag of groups that don't exist", "lag/an unknown group is ErrUnknownTopic", faults{
			lag: func(l driver.Lag, _ error) (driver.Lag, error) { return l, nil },
		}),
		ending("creates what it should only verify", "topology/verifying tells what is missing or different and creates nothing", faults{
			declare: func(topics []driver.TopicSpec) []driver.TopicSpec {
				topics = slices.Clone(topics)
				for i := range topics {
					topics[i].Verify = false
				}
				return topics
			},
		}),
		ending("has errors of its own for history", "log/a log that was never written is ErrUnknownTopic or empty", faults{
			read: func(error) error { return errOwn },
		}),
		{
			Name: "promises what it has no interface for", Caught: "capabilities/each feature that is there has its side interface",
			Wrap: func(good driver.Driver) driver.Driver { return bare{good} },
		},
	}
}

func capabilityFaults() []Fault {
	return []Fault{
		ending("changes its capabilities", "capabilities/they do not change while the driver is open, and are the same for each connection", faults{
			caps: func(c *conn, caps driver.Capabilities) driver.Capabilities {
				c.mu.Lock()
				defer c.mu.Unlock()
				caps.Features = maps.Clone(caps.Features)
				is := caps.Features[driver.FeatureGroups]
				is.How += " " + strconv.Itoa(len(c.subs))
				caps.Features[driver.FeatureGroups] = is
				return caps
			},
		}),
		ending("does not say how it emulates", "capabilities/what is emulated or refused says how", faults{
			caps: func(_ *conn, caps driver.Capabilities) driver.Capabilities {
				caps.Features = maps.Clone(caps.Features)
				caps.Features[driver.FeatureDelay] = driver.Capability{Level: driver.Emulated}
				return caps
			},
		}),
		sharesItsCapabilities(),
		ending("names no durability", "capabilities/they name the broker and the durability", faults{
			caps: func(_ *conn, caps driver.Capabilities) driver.Capabilities {
				caps.Durability = ""
				return caps
			},
		}),
	}
}

// ending is a fault that needs none of the shorter forms.
func ending(name, caught string, f faults) Fault {
	return Fault{Name: name, Caught: caught, Wrap: func(good driver.Driver) driver.Driver { return wrap(good, f) }}
}

// sharesItsCapabilities hands out the map that it goes by.
func sharesItsCapabilities() Fault {
	return Fault{
		Name: "shares its capabilities", Caught: "capabilities/changing the returned value changes nothing",
		Wrap: func(good driver.Driver) driver.Driver {
			own := good.Capabilities()
			return wrap(good, faults{caps: func(*conn, driver.Capabilities) driver.Capabilities { return own }})
		},
	}
}
