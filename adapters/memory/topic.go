package memory

import (
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// topic is a log with the groups that read it. Its lock guards everything in it, its groups, lanes and subscriptions. Nothing is called out
// of the package while it is held: that goes to after, which unlock runs.
type topic struct {
	name       string
	plain      bool // a log without groups
	transient  bool // freed once every group has it
	partitions int  // declared, or 0
	keep       bounds
	grace      time.Duration

	mu      sync.Mutex
	log     record
	dice    dice
	latest  int64 // when the newest entry was stored
	latestD int64 // when the newest entry is due
	delayed waiting
	arrival uint64 // numbers what is delayed or for an inbox
	groups  map[string]*group
	readers []*group // broadcasts
	joined  uint64   // numbers members
	down    bool
	refuses bool // by Server.Refuse
	mute    bool // by Server.Unanswered
	after   []func()
}

func newTopic(cfg Config, name string, plain bool) *topic {
	t := &topic{
		name: name, plain: plain, transient: cfg.Like == LikeRabbitMQ && !plain, grace: cfg.Grace,
		log: newRecord(), dice: newDice(cfg.Faults, name), groups: make(map[string]*group),
	}
	if !plain {
		t.keep = cfg.bounds()
	}
	return t
}

func (t *topic) lock() { t.mu.Lock() }

func (t *topic) unlock() {
	after := t.takeAfter()
	t.mu.Unlock()
	run(after)
}

func (t *topic) takeAfter() []func() {
	after := t.after
	t.after = nil
	return after
}

func (t *topic) later(f func()) { t.after = append(t.after, f) }

// consumers yields the groups and the broadcasts.
func (t *topic) consumers(yield func(*group) bool) {
	for _, g := range t.groups {
		if !yield(g) {
			return
		}
	}
	for _, g := range t.readers {
		if !yield(g) {
			return
		}
	}
}

// tick lets time pass: what is due joins the log, what is too old leaves it.
func (t *topic) tick(now int64) {
	if due, ok := t.delayed.due(); ok && due <= now {
		for ok && due <= now {
			t.promote(t.delayed.take().e, now)
			due, ok = t.delayed.due()
		}
		t.wake()
	}
	if t.keep.age > 0 {
		t.trim(now)
	}
}

// promote appends a delayed entry. Where nobody keeps it, it is dropped, as a queue broker would.
func (t *topic) promote(d *entry, now int64) {
	if t.transient && len(t.groups)+len(t.readers) == 0 {
		return
	}
	e := t.log.grow()
	seq := e.seq
	*e = *d
	e.seq = seq
	t.settleIn(e, now)
}

// append stores m as the next entry.
func (t *topic) append(m *driver.Message, now int64) {
	e := t.log.grow()
	e.fill(m, t.log.copyHeaders(m.Headers), t.log.copyBody(m.Body))
	t.settleIn(e, now)
}

// settleIn gives the newest entry its times and its fate.
func (t *topic) settleIn(e *entry, now int64) {
	t.latest = max(t.latest, now)
	e.stored, e.due = t.latest, 0
	t.log.bytes += int64(e.size)
	if delay := t.dice.deliver(e); delay > 0 {
		t.latestD = max(t.latestD, t.latest+int64(delay))
	}
	if t.latestD > t.latest {
		e.due = t.latestD
	}
}

// postpone keeps m until it is due.
func (t *topic) postpone(m *driver.Message, due int64) {
	e := lone(m)
	t.arrival++
	e.seq, e.due = t.arrival, due
	t.delayed.put(parcel{e: e})
}

// trim drops what the bounds do not allow, and tells the groups that had not seen it. The newest entry always stays.
func (t *topic) trim(now int64) {
	to, bytes := t.log.first, t.log.bytes
	for t.log.next-to > 1 {
		e := t.log.at(to)
		old := t.keep.age > 0 && e.stored+int64(t.keep.age) <= now
		if !old && (t.keep.count == 0 || t.log.next-to <= uint64(t.keep.count)) && (t.keep.bytes == 0 || bytes <= t.keep.bytes) { //nolint:gosec // not negative
			break
		}
		bytes -= int64(e.size)
		to++
	}
	if to == t.log.first {
		return
	}
	t.consumers(func(g *group) bool {
		g.scan()
		g.overtake(to)
		return true
	})
	t.log.drop(to)
}

// free drops what every consumer has taken, on a topic that keeps nothing else. It looks only once a chunk could go.
func (t *topic) free() {
	if !t.transient || t.log.next-t.log.base < chunkLen {
		return
	}
	to := t.log.next
	t.consumers(func(g *group) bool {
		to = min(to, g.scanned)
		for _, l := range g.lanes {
			if len(l.spans) > 0 {
				to = min(to, l.spans[0].from)
			}
		}
		return true
	})
	if to > t.log.first {
		t.log.drop(to)
	}
}

// wake lets every waiting receiver look again.
func (t *topic) wake() {
	t.consumers(func(g *group) bool {
		g.wake()
		return true
	})
}

func (t *topic) disconnect() {
	t.down = true
	for _, g := range t.ordered() {
		for _, m := range slices.Clone(g.members) {
			g.cut(m)
			m.tell(driver.Notice{Kind: driver.Disconnected, Topic: t.name, Group: g.name, Err: driver.ErrDisconnected})
		}
	}
}

func (t *topic) reconnect() {
	t.down = false
	t.tick(now())
	for _, g := range t.ordered() {
		if g.broadcast {
			g.skip()
		}
		for _, m := range g.members {
			m.tell(driver.Notice{Kind: driver.Connected, Topic: t.name, Group: g.name})
		}
	}
	t.wake()
}

// ordered returns the groups by name, then the broadcasts.
func (t *topic) ordered() []*group {
	all := make([]*group, 0, len(t.groups)+len(t.readers))
	for _, name := range t.names() {
		all = append(all, t.groups[name])
	}
	return append(all, t.readers...)
}

// names returns the names of the groups, sorted.
func (t *topic) names() []string {
	names := make([]string, 0, len(t.groups))
	for name := range t.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
