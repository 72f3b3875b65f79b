package redis

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/herald-go/herald/pkg/driver"
)

// id is an entry's id: milliseconds on the server's clock, and a number within them.
type id struct{ ms, seq uint64 }

func parseID(s string) (id, bool) {
	ms, seq, ok := strings.Cut(s, "-")
	if !ok {
		return id{}, false
	}
	var out id
	var errs [2]error
	out.ms, errs[0] = strconv.ParseUint(ms, 10, 64)
	out.seq, errs[1] = strconv.ParseUint(seq, 10, 64)
	return out, errs[0] == nil && errs[1] == nil
}

func (i id) String() string {
	return strconv.FormatUint(i.ms, 10) + "-" + strconv.FormatUint(i.seq, 10)
}

func (i id) before(o id) bool { return i.ms < o.ms || i.ms == o.ms && i.seq < o.seq }

// position writes where an entry stands in its topic: its id, after its partition where there are partitions.
func position(part int, entry string) string {
	if part < 0 {
		return entry
	}
	return strconv.Itoa(part) + ":" + entry
}

// parsePosition reads a position of a topic with so many partitions.
func parsePosition(s string, partitions int) (part int, at id, err error) {
	bad := fmt.Errorf("%w: %q is not a position of this topic", driver.ErrPosition, s)
	part = -1
	if head, rest, ok := strings.Cut(s, ":"); ok {
		if part, err = strconv.Atoi(head); err != nil || part < 0 {
			return 0, id{}, bad
		}
		s = rest
	}
	at, ok := parseID(s)
	if !ok || part >= partitions || (part < 0) != (partitions == 0) {
		return 0, id{}, bad
	}
	return part, at, nil
}
