package messaging

// lendFrom is the size from which a body is lent: below it a copy for the handler costs less than to keep account of one.
const lendFrom = 4 << 10

// pristine is what a message's body was, while its handler has the memory that the driver read it into.
type pristine struct{ body []byte }

// lend gives the handler the body itself where the driver says that nobody else has it, and keeps a copy for other attempts, moves and dead
// letters. A handler may keep and change what it gets, so that there must be two; but the copy is needed no more once a handler succeeds, and
// its memory is used again: large events cost one allocation, not two. It reports false where the handler needs a copy.
func (s *Subscription) lend(it *item, d *Delivery) bool {
	m := it.msg
	if !m.Exclusive || len(m.Body) < lendFrom || len(d.Data) != len(m.Body) || &d.Data[0] != &m.Body[0] {
		return false
	}
	o, _ := s.originals.Get().(*pristine)
	if o == nil {
		o = &pristine{}
	}
	o.body = append(o.body[:0], m.Body...)
	m.Body, m.Exclusive = o.body, false
	it.original = o
	return true
}

// reuse takes back the copy of a body whose handler has succeeded at its first attempt, so that nothing was made of the copy. Nil is none.
func (s *Subscription) reuse(o *pristine) {
	if o != nil {
		s.originals.Put(o)
	}
}
