package kafka

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// putsOff stores a record in a tier as a writer does whose clock tells a time.
func (f *fake) putsOff(t *testing.T, tier int, wall time.Time, delay time.Duration) {
	t.Helper()
	var e encoder
	e.begin(nil, wall)
	e.add(&driver.Message{ID: "late", NotBefore: wall.Add(delay), Body: []byte("x")}, unmarked, 1<<20)
	b, err := e.finish(producer{id: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(b[4:], 0)
	f.mu.Lock()
	defer f.mu.Unlock()
	at := target{inboxTopic(fakeTopic, "billing", tier), 0}
	f.group.log[at], f.group.ends[at] = summed(b[4:]), 1
}

// However wrong the clocks are, what is put off comes after its delay, and no later than that again after it could be read.
func TestClock_WrongOnesNeitherHastenNorHoldUpForLong(t *testing.T) {
	t.Parallel()
	const delay, poll = 2 * time.Second, 2 * fetchWait
	for name, c := range map[string]struct {
		writer, reader time.Duration // how far their clocks are wrong
		before         time.Duration // how long the record is there when the reader comes; 0 if it comes later
		least, most    time.Duration
	}{
		"right clocks":                                {least: delay, most: delay + poll},
		"the reader is ahead":                         {reader: time.Hour, least: delay, most: delay + poll},
		"the reader is behind":                        {reader: -time.Hour, least: delay, most: delay + poll},
		"the writer is ahead":                         {writer: time.Hour, least: delay, most: delay + poll},
		"the writer is behind":                        {writer: -time.Hour, least: delay, most: delay + poll},
		"right clocks, and it waits already":          {before: time.Second, least: time.Second, most: time.Second + poll},
		"right clocks, and it is due":                 {before: time.Minute, most: poll},
		"the reader is behind, and it is due":         {reader: -time.Hour, before: time.Minute, least: delay, most: delay + poll},
		"the writer is a day ahead, and it waits":     {writer: 24 * time.Hour, before: time.Second, least: delay, most: delay + poll},
		"both are ahead, as on one wrong machine":     {writer: time.Hour, reader: time.Hour, least: delay, most: delay + poll},
		"both are behind, and it waits for a second":  {writer: -time.Hour, reader: -time.Hour, before: time.Second, least: time.Second, most: time.Second + poll},
		"a jump to the other side while it is stored": {writer: time.Hour, reader: -time.Hour, least: delay, most: delay + poll},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake(1)
				f.group = newFakeGroup()
				d, err := New(t.Context(), Config{Brokers: []string{"fake:9092"}, Dial: f.Dial})
				if err != nil {
					t.Fatal(err)
				}
				d.UseClock(func() time.Time { return time.Now().Add(c.reader) })
				if c.before > 0 {
					f.putsOff(t, 1, time.Now().Add(c.writer-c.before), delay)
				}
				sub, err := d.Subscribe(t.Context(), driver.Spec{Topic: fakeTopic, Group: "billing", Window: 10, WindowBytes: 1 << 20})
				if err != nil {
					t.Fatal(err)
				}
				r := &reading{t, f, d, sub}
				if c.before == 0 {
					r.receive(5 * time.Second) // by now the log's end was seen
					f.putsOff(t, 1, time.Now().Add(c.writer), delay)
				}
				began := time.Now()
				msgs := r.receive(time.Minute)
				if took := time.Since(began); len(msgs) != 1 || took < c.least || took > c.most {
					t.Errorf("%d came after %v, want one after %v to %v", len(msgs), took, c.least, c.most)
				}
				r.ack(msgs...)
				if err := d.Close(context.Background()); err != nil {
					t.Errorf("Close: %v", err)
				}
				f.pumps.Wait()
			})
		})
	}
}
