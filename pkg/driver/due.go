package driver

import "time"

// began is what due times of this process are counted from.
var began = time.Now()

// PutOff sets NotBefore to d after now, a time of the clock that the driver uses, and keeps to d from this call on even if that clock jumps
// before the driver writes the message. A d of 0 or less puts nothing off.
func (m *Message) PutOff(now time.Time, d time.Duration) {
	m.NotBefore, m.due = time.Time{}, 0
	if d > 0 {
		m.NotBefore, m.due = now.Add(d), time.Since(began)+d
	}
}

// Due returns NotBefore, or for a message that PutOff put off the same moment by a clock that now says now. It is for drivers: what is
// written, and how long the message waits, should be taken from one reading of their clock.
func (m *Message) Due(now time.Time) time.Time {
	if m.due == 0 {
		return m.NotBefore
	}
	return now.Add(m.due - time.Since(began))
}

// Copy returns a message with all of m that travels, and when it is due. Headers and Body are shared with m.
func (m *Message) Copy() *Message {
	return &Message{
		ID: m.ID, Type: m.Type, Key: m.Key, ContentType: m.ContentType, Time: m.Time, Slot: m.Slot,
		NotBefore: m.NotBefore, due: m.due, Headers: m.Headers, Body: m.Body,
	}
}
