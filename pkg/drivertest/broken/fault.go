package broken

import (
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

// Fault is one way to be broken.
type Fault struct {
	// Name names the fault in a few words.
	Name string
	// Caught is the sentence that must catch it, as drivertest names it. Others may catch it too.
	Caught string
	// Wrap breaks a good driver. All connections to one broker must be wrapped by the same Fault value, since some faults lie between
	// connections. It is safe for concurrent use.
	Wrap func(good driver.Driver) driver.Driver
}

// All returns every fault, with nothing left over from an earlier call.
func All() []Fault {
	return slices.Concat(publishFaults(), fateFaults(), receiveFaults(), settleFaults(), subscribeFaults(), endFaults(), capabilityFaults())
}

// Honest wraps a driver without breaking it.
func Honest(good driver.Driver) driver.Driver { return wrap(good, faults{}) }

// Unwrap returns the good driver under a broken one, or d itself. It is for a harness that has to reach the real connection.
func Unwrap(d driver.Driver) driver.Driver {
	switch w := d.(type) {
	case *conn:
		return w.Driver
	case *modest:
		return w.Driver
	case bare:
		return w.Driver
	default:
		return d
	}
}
