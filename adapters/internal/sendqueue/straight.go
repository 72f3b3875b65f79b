package sendqueue

import "github.com/herald-go/herald/pkg/driver"

// Straight takes one message past the queue: where Put would queue it at once and nothing is queued, it returns the message's entry instead, as
// Take would, with index 0. Then the caller is the consumer for this entry: it writes it, or puts it back with Unread, and reports its fate.
// Ready receives nothing. In all other cases ok is false, and nothing has happened. It belongs to the one consumer, as Take does, and never
// blocks.
func (q *Queue) Straight(to driver.Address, m *driver.Message, r driver.Result) (e Entry, ok bool) {
	size := m.Size()
	room := q.room
	room.mu.Lock()
	defer room.mu.Unlock()
	if q.closed || q.away != nil || q.deque.n > 0 || room.first != nil || !room.fits(size) {
		return Entry{}, false
	}
	room.count++
	room.bytes += size
	q.pending++
	return Entry{To: to, Msg: m, result: r, queue: q, size: size}, true
}
