package sendqueue

import "github.com/herald-go/herald/pkg/driver"

const (
	// chunkSize is how many entries a chunk holds: a few KiB, so that growing costs little per entry.
	chunkSize = 64
	// chunksKept bounds the chunks that a room keeps for later.
	chunksKept = 64
)

// chunk is a piece of a deque.
type chunk struct {
	entries [chunkSize]Entry
	next    *chunk
}

// chunks are those that no deque needs at present.
type chunks struct {
	free *chunk
	n    int
}

func (p *chunks) get() *chunk {
	c := p.free
	if c == nil {
		return new(chunk)
	}
	p.free, c.next = c.next, nil
	p.n--
	return c
}

// put takes a chunk whose entries are all zero.
func (p *chunks) put(c *chunk) {
	if p.n == chunksKept {
		return
	}
	c.next, p.free = p.free, c
	p.n++
}

// deque is a list of entries in chunks: first is the index of the head's first entry, end follows the tail's last one.
type deque struct {
	head, tail *chunk
	first, end int
	n          int
}

// push appends a zero entry and returns it, to be filled in.
func (d *deque) push(p *chunks) *Entry {
	switch {
	case d.tail == nil:
		d.head = p.get()
		d.tail, d.first, d.end = d.head, 0, 0
	case d.end == chunkSize:
		d.tail.next = p.get()
		d.tail, d.end = d.tail.next, 0
	}
	d.n++
	d.end++
	return &d.tail.entries[d.end-1]
}

// unshift puts an entry before the first.
func (d *deque) unshift(p *chunks, e Entry) {
	switch {
	case d.head == nil:
		d.head = p.get()
		d.tail, d.first, d.end = d.head, chunkSize, chunkSize
	case d.first == 0:
		c := p.get()
		c.next = d.head
		d.head, d.first = c, chunkSize
	}
	d.n++
	d.first--
	d.head.entries[d.first] = e
}

// peek returns the first entry of a deque that is not empty.
func (d *deque) peek() *Entry { return &d.head.entries[d.first] }

// pop removes the first entry of a deque that is not empty and returns it.
func (d *deque) pop(p *chunks) Entry {
	e := d.head.entries[d.first]
	d.head.entries[d.first] = Entry{}
	d.first++
	d.n--
	switch c := d.head; {
	case d.n == 0:
		p.put(c)
		*d = deque{}
	case d.first == chunkSize:
		d.head, d.first = c.next, 0
		p.put(c)
	}
	return e
}

// extract moves the entries whose message matches to out and keeps the others in their order.
func (d *deque) extract(p *chunks, out []Entry, match func(*driver.Message) bool) []Entry {
	if !d.any(match) {
		return out
	}
	for range d.n {
		e := d.pop(p)
		if match(e.Msg) {
			out = append(out, e)
			continue
		}
		*d.push(p) = e
	}
	return out
}

func (d *deque) any(match func(*driver.Message) bool) bool {
	first := d.first
	for c := d.head; c != nil; c = c.next {
		end := chunkSize
		if c == d.tail {
			end = d.end
		}
		for i := first; i < end; i++ {
			if match(c.entries[i].Msg) {
				return true
			}
		}
		first = 0
	}
	return false
}
