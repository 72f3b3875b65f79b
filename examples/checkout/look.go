package main

import "time"

// look takes a snapshot. Only the display calls it, one call at a time.
func (s *stage) look() snapshot {
	now := time.Now()
	all := int64(len(s.facts.orders))
	shot := snapshot{
		broker: s.broker.Capabilities().Broker, phase: *s.phase.Load(), elapsed: now.Sub(s.start), away: s.mail.away(),
		shop: row{label: "checkout", done: s.shop.sold.Load(), of: all},
	}
	shot.shop.rate = s.rate("", shot.shop.done, now)
	for _, m := range s.groups.members {
		c := s.counts[place{m.topic, m.group}]
		r := row{
			label: m.label, done: m.done(), of: all, lag: c.lag.Load(), retries: c.retries.Load(), later: c.later.Load(),
			dead: c.dead.Load() - c.redriven.Load(),
		}
		if m.topic == s.names.rejections {
			r.of = s.groups.inventory.rejections()
		}
		r.rate = s.rate(m.label, r.done, now)
		shot.groups = append(shot.groups, r)
	}
	return shot
}

// rate returns how many a second there are now, or were on average once all is sold.
func (s *stage) rate(label string, done int64, now time.Time) float64 {
	if took := time.Duration(s.soldIn.Load()); took > 0 {
		return float64(done) / took.Seconds()
	}
	v, ok := s.speeds[label]
	if !ok {
		v = &speed{at: s.start}
		s.speeds[label] = v
	}
	return v.update(done, now)
}
