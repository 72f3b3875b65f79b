package memory

import (
	"strconv"

	"github.com/herald-go/herald/pkg/driver"
)

// place returns the sequence number of the first entry that a start means.
func (t *topic) place(s driver.Start) (uint64, error) {
	switch s.Kind {
	case driver.StartDefault, driver.StartOldest:
		return t.log.first, nil
	case driver.StartNewest:
		return t.log.next, nil
	case driver.StartTime:
		return t.log.since(s.Time), nil
	case driver.StartAfter:
		seq, err := parsePosition(s.Position)
		// An entry that was trimmed is good enough as long as none after it was.
		if err != nil || seq+1 < t.log.first || seq >= t.log.next {
			return 0, driver.ErrPosition
		}
		return seq + 1, nil
	default:
		return 0, driver.ErrUnsupported
	}
}

// begin is place for a new group. A queue broker has nothing from before.
func (t *topic) begin(s driver.Start) (uint64, error) {
	if !t.transient {
		return t.place(s)
	}
	if s.Kind != driver.StartDefault && s.Kind != driver.StartNewest {
		return 0, driver.ErrUnsupported
	}
	return t.log.next, nil
}

// parsePosition reads a position as formatted by a delivery; any other spelling never was one.
func parsePosition(s string) (uint64, error) {
	seq, err := strconv.ParseUint(s, 10, 63)
	if err != nil || seq == 0 || strconv.FormatUint(seq, 10) != s {
		return 0, driver.ErrPosition
	}
	return seq, nil
}
