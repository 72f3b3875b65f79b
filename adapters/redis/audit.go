package redis

import (
	"context"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// auditFirst is how long after the beginning of a session its first audit comes: reads of the session before, of whose end the server may not
// have heard, have ended there by then. Further ones follow once a session, for requests that the network delivers late.
const auditFirst = readBlock + readBlock/2

// auditMost is how many entries more than are in hand one audit can find.
const auditMost = 1000

// auditScript lists what a member has been given and has not finished. ARGV: group, member, fence, how many at most of each. It returns {state,
// ids of the stream, ids of the inbox}.
var auditScript = goredis.NewScript(own + `
if not mine() then return {0} end
local reply = {1}
for i = 2, 3 do
  local p, ids = redis.pcall('XPENDING', KEYS[i], ARGV[1], '-', '+', ARGV[4], ARGV[2]), {}
  if p.err then return {-1, p.err} end
  for j = 1, #p do ids[j] = p[j][1] end
  reply[i] = ids
end
return reply
`)

// audits compares what is in hand with what the broker says, where that is due, and gives back what has never come: on a connection that ended
// here and not there, a read that the server holds up is answered all the same, after the next session has begun. Nobody else would take that as
// long as the member lives. Nothing is read meanwhile. It returns when to look again, 0 for whenever.
func (s *subscription) audits(ctx context.Context) (time.Duration, error) {
	var again time.Duration
	for _, l := range s.lanes {
		s.mu.Lock()
		now := time.Now()
		l.still = l.isKept() && !s.stopped && !now.Before(l.audit)
		due, busy := l.still, l.busy > 0
		s.mu.Unlock()
		switch {
		case due && busy:
			s.unblock(ctx)
			again = unblockEvery
		case due:
			if err := s.audit(ctx, l); err != nil {
				return 0, err
			}
		}
	}
	return again, nil
}

// audit is for a lane of which nothing is being read.
func (s *subscription) audit(ctx context.Context, l *lane) error {
	s.mu.Lock()
	e := l.epoch
	held := s.heldOf(e)
	s.mu.Unlock()
	reply, err := s.d.commands.eval(ctx, auditScript, l.keys(), s.spec.Group, s.spec.Member, e.fence, max(len(held[0]), len(held[1]))+auditMost)
	if err != nil {
		return err
	}
	answer, err := standing(reply)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind := range held {
		ids, _ := answer[1+kind].([]any)
		s.stray(l, kind, slices.DeleteFunc(texts(ids), func(id string) bool { return held[kind][id] }))
	}
	l.still = false
	s.cond.Broadcast()
	return nil
}

// stray gives back what one audit has found, in so far as the one before has found it, too; the rest is looked at again with the next beat. The
// lock is held.
func (s *subscription) stray(l *lane, kind int, found []string) {
	if kind == 0 {
		l.audit = time.Now().Add(s.d.cfg.Session)
	}
	e := l.epoch
	if e.over || e.ending {
		return // it goes with the rest
	}
	var anew []string
	for _, id := range found {
		if slices.Contains(l.strays[kind], id) {
			e.releases[kind] = append(e.releases[kind], id)
			continue
		}
		anew = append(anew, id)
		l.audit = time.Now()
	}
	l.strays[kind] = anew
}

// heldOf returns what is in hand of an epoch, and what the broker may not have been told of, from the stream and from the inbox. The lock is held.
func (s *subscription) heldOf(e *epoch) [2]map[string]bool {
	held := [2]map[string]bool{make(map[string]bool, e.count), {}}
	add := func(kind int, ids []string) {
		for _, id := range ids {
			held[kind][id] = true
		}
	}
	for x := e.first; x != nil; x = x.next {
		kind := 0
		if x.inbox {
			kind = 1
		}
		held[kind][x.entry] = true
	}
	for kind := range 2 {
		add(kind, e.acks[kind])
		add(kind, e.releases[kind])
		add(kind, e.under.releases[kind])
	}
	under := 0
	if e.under.inbox {
		under = 1
	}
	add(under, e.under.acks)
	add(1, e.gone)
	add(1, e.under.gone)
	return held
}
