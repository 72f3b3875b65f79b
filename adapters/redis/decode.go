package redis

import "time"

// Messages are made in slabs: a few that came together share their memory, so that none needs an allocation of its own. One that stays in hand
// for long keeps its slab: slabHolds structs, and no more than slabBytes of texts and bodies. One with more than slabOwn bytes shares nothing.
const (
	slabHolds = 16
	slabBytes = 16 << 10
	slabOwn   = 4 << 10
)

// decoder makes messages of answers. Its memory is used again for the next answer. It is not safe for concurrent use.
type decoder struct {
	parser
	entries       [slabHolds]entry
	texts, bodies int // bytes of those that were gathered
	scratch       []byte
	fields        []string
	names         map[string]string // of fields: there are few
	holds, nudged []*hold
}

// A decoder keeps the names of so many fields, if they are no longer than nameMost.
const (
	namesMost = 256
	nameMost  = 128
)

// decode makes messages of an answer: a list of streams, each with a list of entries. It runs without the lock. What it returns stands until
// clear.
func (s *subscription) decode(d *decoder, p plan, raw []byte) (holds, nudged []*hold, err error) {
	d.parser, d.holds, d.nudged = parser{raw: raw}, d.holds[:0], d.nudged[:0]
	now := time.Now().UnixNano()
	for range d.list() {
		d.list()
		key := d.bytes(d.text())
		left := d.list()
		at := p.index(key)
		if d.err != nil || at < 0 {
			return nil, nil, errReply
		}
		inbox := string(key) != p.lanes[at].stream()
		for left > 0 {
			n := d.gather(left)
			if d.err != nil {
				return nil, nil, d.err
			}
			left -= n
			s.build(d, n, hold{epoch: p.epochs[at], inbox: inbox, since: now})
		}
	}
	return d.holds, d.nudged, d.err
}

// clear lets go of what decode returned.
func (d *decoder) clear() {
	d.raw = nil
	clear(d.holds)
	clear(d.nudged)
}

// gather reads entries for one slab, and returns how many.
func (d *decoder) gather(most int) (n int) {
	d.texts, d.bodies = 0, 0
	for n < min(most, slabHolds) && d.texts+d.bodies < slabBytes-slabOwn {
		before := d.at
		e := &d.entries[n]
		if d.entry(e); d.err != nil {
			return 0
		}
		texts, body := e.size()
		if texts+body > slabOwn && n > 0 {
			d.at = before // it will be the only one
			break
		}
		d.texts += texts
		d.bodies += body
		n++
	}
	return n
}

// build makes the messages of the gathered entries.
func (s *subscription) build(d *decoder, n int, like hold) {
	d.scratch = d.scratch[:0]
	for i := range n {
		e := &d.entries[i]
		d.scratch = append(d.scratch, d.bytes(e.id)...)
		for j := 1; j < len(e.fields); j += 2 {
			d.scratch = append(d.scratch, d.bytes(e.fields[j])...)
		}
	}
	text := string(d.scratch)
	if cap(d.scratch) > slabBytes {
		d.scratch = nil
	}
	bodies := []byte{} // one alone, which may be large, needs no memory that is cleared before
	if n > 1 {
		bodies = make([]byte, 0, d.bodies)
	}
	holds := make([]hold, n)
	for i := range holds {
		e, x := &d.entries[i], &holds[i]
		*x = like
		x.msg.Deliveries = 1
		x.msg.Exclusive = n == 1 // else its memory is that of others, too
		x.entry, text = text[:e.id.size()], text[e.id.size():]
		text = d.take(e, text)
		switch {
		case e.whole:
			from := len(bodies)
			bodies = append(bodies, d.bytes(e.body)...)
			s.fill(x, d.fields, bodies[from:len(bodies):len(bodies)])
		case x.inbox && len(d.fields) == 2 && d.fields[0] == nudge:
			d.nudged = append(d.nudged, x)
			continue
		default:
			s.fill(x, d.fields, nil)
		}
		d.holds = append(d.holds, x)
	}
}

// name returns the name of a field as a text.
func (d *decoder) name(raw []byte) string {
	if name, ok := d.names[string(raw)]; ok {
		return name
	}
	name := string(raw)
	if len(name) > nameMost {
		return name
	}
	if d.names == nil || len(d.names) >= namesMost {
		d.names = make(map[string]string)
	}
	d.names[name] = name
	return name
}

// take makes texts of an entry's fields: the values stand at the beginning of text, the rest of which is returned.
func (d *decoder) take(e *entry, text string) (rest string) {
	d.fields = d.fields[:0]
	for j := 0; j+1 < len(e.fields); j += 2 {
		n := e.fields[j+1].size()
		d.fields = append(d.fields, d.name(d.bytes(e.fields[j])), text[:n])
		text = text[n:]
	}
	return text
}

// index returns the number of the lane that a stream or an inbox belongs to.
func (p plan) index(key []byte) int {
	for i, l := range p.lanes {
		if string(key) == l.stream() || string(key) == l.inboxKey {
			return i
		}
	}
	return -1
}

// fill reads an entry into a hold; without a body that was found already, it is looked for among the fields.
func (s *subscription) fill(x *hold, fields []string, body []byte) {
	m := &x.msg
	if body != nil {
		readAttributes(m, fields, body)
	} else {
		readFields(m, fields)
	}
	m.Source = x.epoch.source
	m.Inbox = x.inbox
	if s.spec.Broadcast {
		m.Deliveries = 0
	}
	if !x.inbox {
		m.Position = position(x.epoch.lane.part, x.entry)
	}
}
