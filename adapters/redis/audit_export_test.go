package redis

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Held returns what an audit takes for in hand: the entries of the stream.
func (m *Reader) Held() []string {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return slices.Sorted(maps.Keys(m.s.heldOf(m.l.epoch)[0]))
}

// Audits does what the keeper does once an audit is due and a read is under way. It returns when to look again, and whether the next read may
// begin.
func (m *Reader) Audits(ctx context.Context) (again time.Duration, reads bool, err error) {
	m.s.mu.Lock()
	m.l.busy++
	m.s.mu.Unlock()
	again, err = m.s.audits(ctx)
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.l.busy--
	var p plan
	return again, m.s.choose(&p, m.s.lanes), err
}

// AuditFirst is when a session's first audit is due.
const AuditFirst = auditFirst

// Stray does what an audit does that finds these, and returns what is given back, and whether it is looked at again at once.
func (m *Reader) Stray(found ...string) (back []string, again bool) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.s.stray(m.l, 0, found)
	back, m.l.epoch.releases[0] = m.l.epoch.releases[0], nil
	return back, !time.Now().Before(m.l.audit)
}
