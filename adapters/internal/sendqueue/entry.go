package sendqueue

import "github.com/herald-go/herald/pkg/driver"

// Entry is one message on its way. It may be copied and moved; of all copies one reports the fate.
type Entry struct {
	// To is where the message goes.
	To driver.Address
	// Msg is the message. It is the driver's until the fate is reported; Done sets it to nil.
	Msg *driver.Message

	result driver.Result
	queue  *Queue
	index  int
	size   int
}

// Done reports the fate and frees the message's room; err is nil for Stored. It may be called from any goroutine. A second call, and a call
// on a zero Entry, does nothing.
func (e *Entry) Done(fate driver.Fate, err error) {
	q, size := e.queue, e.size
	if !e.tell(fate, err) {
		return
	}
	q.settled(1, size)
}

// DoneAll gives all entries one fate, as Done of each does, and takes the lock once for each run of entries of one queue.
func DoneAll(entries []Entry, fate driver.Fate, err error) {
	doneEach(entries, func(*driver.Message) (driver.Fate, error) { return fate, err })
}

// failAll tells that the entries will not be written, withdrawn ones because they were withdrawn.
func failAll(entries []Entry, err error) {
	doneEach(entries, func(m *driver.Message) (driver.Fate, error) {
		if m.Withdrawn() {
			return driver.Unavailable, driver.ErrWithdrawn
		}
		return driver.Unavailable, err
	})
}

func doneEach(entries []Entry, verdict func(*driver.Message) (driver.Fate, error)) {
	var q *Queue
	n, size := 0, 0
	for i := range entries {
		e := &entries[i]
		if e.result == nil {
			continue
		}
		if e.queue != q && n > 0 {
			q.settled(n, size)
			n, size = 0, 0
		}
		q = e.queue
		n, size = n+1, size+e.size
		e.tell(verdict(e.Msg))
	}
	if n > 0 {
		q.settled(n, size)
	}
}

// tell reports the fate and forgets the message, which is the caller's from then on.
func (e *Entry) tell(fate driver.Fate, err error) bool {
	r := e.result
	if r == nil {
		return false
	}
	e.result, e.queue, e.Msg = nil, nil, nil
	r.Done(e.index, fate, err)
	return true
}
