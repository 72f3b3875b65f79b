package drivertest

import (
	"context"
	"errors"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var roomSentences = []Sentence{
	{
		Area: "room", Text: "Send waits for room when too many messages are queued, and gives up with the cause of its context", alone: true,
		needs: []need{away}, check: roomByCount,
	},
	{Area: "room", Text: "Send waits for room when too many bytes are queued", alone: true, needs: []need{away}, check: roomByBytes},
	{Area: "room", Text: "the context of Send bounds the wait for room and nothing else", alone: true, needs: []need{away}, check: contextBoundsRoom},
}

var errNoRoom = errors.New("the caller waited long enough for room")

func contextOf(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.Background(), d, errNoRoom)
}

// fill sends while the broker is away until a Send finds no room, and returns what was accepted.
func (f *fixture) fill(d driver.Driver, to driver.Address, batch, most int, body []byte) (accepted int, rs []*results) {
	f.Helper()
	for sent := 0; sent <= most; sent += batch {
		msgs := f.events(batch, "k")
		for _, m := range msgs {
			m.Body = body
		}
		r := f.track(batch)
		rs = append(rs, r)
		ctx, cancel := contextOf(2 * f.h.Quiet)
		d.Publisher().Send(ctx, to, msgs, r)
		cancel()
		if r.unknown() == batch {
			accepted += batch
			continue
		}
		accepted += r.unknown()
		for i := range batch {
			fate, err := r.at(i)
			if fate != 0 && (fate != driver.Unavailable || !errors.Is(err, errNoRoom)) {
				f.Errorf("a message that found no room is %v (%v), want unavailable with the cause of the context", fate, err)
				break
			}
		}
		return accepted, rs
	}
	f.Errorf("%d messages of %d bytes are queued, and Send still has room", accepted, len(body))
	return accepted, rs
}

// arrive demands that what was accepted is stored and comes. A broadcast may miss what is published before it is back.
func (f *fixture) arrive(m *member, accepted int, rs []*results) {
	f.Helper()
	stored := 0
	for _, r := range rs {
		f.wait(r)
		for i := range r.calls {
			if fate, _ := r.at(i); fate == driver.Stored {
				stored++
			}
		}
	}
	if stored != accepted {
		f.Errorf("%d messages found room and %d are stored", accepted, stored)
	}
	if !f.has(driver.FeatureGroups) {
		return
	}
	got, err := m.drainWithin(stored, f.h.Patience)
	if err != nil {
		f.Errorf("%d of %d came: %v", len(got), stored, err)
	}
	m.quiet()
}

func roomByCount(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(f.open(), topic)
	f.disconnect()
	accepted, rs := f.fill(d, f.to(topic), 100, f.h.Room, []byte("small"))
	f.must(f.h.Reconnect())
	f.arrive(m, accepted, rs)
	f.publish(d, f.to(topic), f.events(10, "k")...) // there is room again
	if f.has(driver.FeatureGroups) {
		m.drain(10)
	}
}

func roomByBytes(f *fixture) {
	const size = 100_000
	d, topic := f.open(), f.name("t")
	m := f.reader(f.open(), topic)
	f.disconnect()
	accepted, rs := f.fill(d, f.to(topic), 10, f.h.RoomBytes/size, make([]byte, size))
	f.must(f.h.Reconnect())
	f.arrive(m, accepted, rs)
}

func contextBoundsRoom(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	f.disconnect()
	msgs := f.events(5, "k")
	r := f.track(5)
	ctx, cancel := context.WithCancel(context.Background())
	d.Publisher().Send(ctx, f.to(topic), msgs, r)
	cancel() // the messages have their room: this must not touch them
	f.pause(f.h.Quiet)
	f.must(f.h.Reconnect())
	f.want(r, driver.Stored)
	f.delivered(m, "what had found room", ids(msgs))
}
