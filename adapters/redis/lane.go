package redis

import (
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// lane is a place as one member sees it.
type lane struct {
	place
	registry, inboxKey, inboxWait string

	epoch  *epoch      // nil while the member has no session here
	cursor string      // of a broadcast: the last id that was read
	take   bool        // something that nobody holds may be there, and comes before what is new
	busy   int         // reads under way
	until  time.Time   // the end of the grace of what is in hand when the lane is handed over
	audit  time.Time   // when what is in hand is compared with what the broker says
	still  bool        // for that nothing is read
	strays [2][]string // what the last such look has found, of the stream and of the inbox
	away   int         // how many were revoked in hands that have not let go of them yet
	calm   time.Time   // when these are waited for no longer
	told   int64       // how much of what retention took has been told
	stand  string      // where the group stands, as of the last beat; beatScript says how
	open   int64       // how many the group had not finished then, -1 for unknown
	top    string      // the last entry of the stream that was handed out

	telling   int64  // up to where somebody has told it, or is about to
	toldVague int64  // the same of losses of unknown number
	era       string // since when the broker counts them
}

func (l *lane) keys() []string { return []string{l.registry, l.stream(), l.inboxKey} }

// isKept reports whether the member has a session here that it does not hand over.
func (l *lane) isKept() bool { return l.epoch != nil && !l.epoch.over && !l.epoch.ending }

// isActive reports whether new messages may come from here.
func (l *lane) isActive() bool { return l.isKept() && !l.still }

// isCalm reports whether no handler has one of the lane's messages in hand that was revoked, as far as that is waited for.
func (l *lane) isCalm(now time.Time) bool { return l.away == 0 || !now.Before(l.calm) }

// begin starts an epoch. The subscription's lock is held.
func (l *lane) begin(fence int64, member string) {
	name := l.tag + " " + member + " session " + strconv.FormatInt(fence, 10)
	l.epoch = &epoch{lane: l, fence: strconv.FormatInt(fence, 10), source: driver.NewSource(name), sure: time.Now()}
	l.take = true
	l.audit, l.still, l.strays = time.Now().Add(auditFirst), false, [2][]string{}
}

// newLanes returns the lanes of a subscription.
func newLanes(all []place, group string, ordered bool) []*lane {
	lanes := make([]*lane, len(all))
	for i, p := range all {
		l := &lane{place: p, registry: p.members(group), inboxKey: p.inbox(group), inboxWait: p.inboxLater(group)}
		if ordered {
			l.registry = p.lease(group)
		}
		lanes[i] = l
	}
	return lanes
}
