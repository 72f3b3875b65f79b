package redis

import (
	"strconv"
	"strings"

	"github.com/herald-go/herald/pkg/driver"
)

// What retention, or somebody's hand, takes before a group has finished it is counted by scripts, in the members' hash: lost where the number is
// known, vague where it isn't. Each member tells what the counts have grown by, and says with its next beat that it has: so whoever joins later
// knows what nobody has been told.

// resume returns what a member that joins takes as told: what somebody has told, or itself, of what is counted now.
func resume(own, counted, told int64) int64 { return max(told, min(own, counted)) }

// gap tells what was lost since it was last told.
func (s *subscription) gap(l *lane, lost int64) {
	s.mu.Lock()
	n := lost - max(l.told, l.telling)
	l.telling = max(l.telling, lost) // the reader and the keeper may find it at the same moment
	s.mu.Unlock()
	if n <= 0 {
		return
	}
	s.tell(driver.Notice{Kind: driver.Gap, Count: n, Detail: strconv.FormatInt(n, 10) + " entries of " + l.tag + " are gone that the group had not finished"})
	s.mu.Lock()
	l.told = max(l.told, lost)
	s.mu.Unlock()
}

// vague tells of losses whose number nobody knows, since it was last told.
func (s *subscription) vague(l *lane, times int64) {
	s.mu.Lock()
	more := times > l.toldVague
	s.mu.Unlock()
	if !more {
		return
	}
	s.tell(driver.Notice{Kind: driver.Gap, Count: -1, Detail: "entries of " + l.tag +
		" are gone; the group was deleted, too, so nobody knows how many of them it had not finished"})
	s.mu.Lock()
	l.toldVague = max(l.toldVague, times)
	s.mu.Unlock()
}

// pass notes what is handed out; what comes from a channel has no lane. The lock is held.
func (l *lane) pass(x *hold) {
	if l != nil && !x.inbox && isLater(x.entry, l.top) {
		l.top = x.entry
	}
}

// isLater compares the ids of entries as they are written, without reading them.
func isLater(a, b string) bool {
	am, bm := strings.IndexByte(a, '-'), strings.IndexByte(b, '-')
	switch {
	case am != bm:
		return am > bm
	case am < 0:
		return false
	case a[:am] != b[:am]:
		return a[:am] > b[:am]
	case len(a) != len(b):
		return len(a) > len(b)
	default:
		return a > b
	}
}
