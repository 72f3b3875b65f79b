package broken

import (
	"context"
	"errors"

	"github.com/herald-go/herald/pkg/driver"
)

func fateFaults() []Fault {
	return []Fault{
		telling("swallows the publish error", "fates/what the broker refused is never reported as stored, and never comes",
			func(r driver.Result, i int, _ driver.Address, _ driver.Fate, _ error) { r.Done(i, driver.Stored, nil) }),
		telling("calls unknown stored", "fates/an answer that got lost is Unconfirmed, unless the driver made sure",
			func(r driver.Result, i int, _ driver.Address, fate driver.Fate, err error) {
				if fate == driver.Unconfirmed {
					fate, err = driver.Stored, nil
				}
				r.Done(i, fate, err)
			}),
		telling("calls unknown unavailable", "fates/an answer that got lost is Unconfirmed, unless the driver made sure",
			func(r driver.Result, i int, _ driver.Address, fate driver.Fate, err error) {
				if fate == driver.Unconfirmed {
					fate = driver.Unavailable
				}
				r.Done(i, fate, err)
			}),
		telling("calls a failed inbox stored", "inbox/an inbox that does not exist is Unroutable",
			func(r driver.Result, i int, to driver.Address, fate driver.Fate, err error) {
				if to.Group != "" {
					fate, err = driver.Stored, nil
				}
				r.Done(i, fate, err)
			}),
		telling("calls Done twice", "publish/each message gets exactly one fate",
			func(r driver.Result, i int, _ driver.Address, fate driver.Fate, err error) {
				r.Done(i, fate, err)
				r.Done(i, fate, err)
			}),
		telling("forgets fates on Close", "away/Close gives each waiting message the fate Unavailable",
			func(r driver.Result, i int, _ driver.Address, fate driver.Fate, err error) {
				if !errors.Is(err, driver.ErrClosed) {
					r.Done(i, fate, err)
				}
			}),
		telling("gives no reason", "unrouted/a topic without a group refuses",
			func(r driver.Result, i int, _ driver.Address, fate driver.Fate, _ error) { r.Done(i, fate, nil) }),
	}
}

// telling is a fault in what is told of a message's fate.
func telling(name, caught string, tell func(r driver.Result, i int, to driver.Address, fate driver.Fate, err error)) Fault {
	return sending(name, caught, func(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result) {
		c.pub.Publisher.Send(ctx, to, msgs, done(func(i int, fate driver.Fate, err error) { tell(r, i, to, fate, err) }))
	})
}
