package drivertest

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var logSentences = []Sentence{
	{Area: "log", Text: "a log is stored without a group and read as it was sent", needs: []need{side("history"), plainLog}, check: logIsRead},
	{Area: "log", Text: "a log keeps its order and can be read again", needs: []need{side("history"), plainLog}, check: logReadsAgain},
	{Area: "log", Text: "a log that was never written is ErrUnknownTopic or empty", needs: []need{side("history"), plainLog}, check: logUnknown},
	{Area: "log", Text: "a refused log stores nothing", needs: []need{without(driver.FeatureLog)}, check: logRefused},
}

var historySentences = []Sentence{
	{Area: "history", Text: "what was published can be read from the start, without a group", needs: []need{groups, side("history"), history}, check: historyFromStart},
	{Area: "history", Text: "Read starts after a position, at a time and at the newest", needs: []need{groups, side("history"), history}, check: historyStarts},
	{Area: "history", Text: "Read ends with the position it was given", needs: []need{groups, side("history"), history}, check: historyTo},
	{Area: "history", Text: "an empty bound is what was stored when Read was called", needs: []need{groups, side("history"), history}, check: historyBound},
	{Area: "history", Text: "Read settles nothing", needs: []need{groups, side("history"), history}, check: historySettlesNothing},
	{Area: "history", Text: "an unknown topic is ErrUnknownTopic and a bogus start ErrPosition", needs: []need{groups, side("history"), history}, check: historyErrors},
	{Area: "history", Text: "messages of a Reader stay until the next call, and Close is idempotent", needs: []need{groups, side("history"), history}, check: historyReader},
	{
		Area: "history", Text: "history is absent or ErrUnsupported where it is refused", needs: []need{groups, without(driver.FeatureHistory)},
		check: historyRefused,
	},
}

// read reads a topic's history to its end.
func (f *fixture) read(d driver.Driver, topic string, at driver.Start, to string) ([]carried, []string) {
	f.Helper()
	ctx, cancel := f.within()
	defer cancel()
	r, err := d.(driver.History).Read(ctx, topic, at, to)
	if err != nil {
		f.Fatalf("Read(%s, %+v, %q): %v", topic, at, to, err)
	}
	defer func() { _ = r.Close(ctx) }()
	return f.rest(ctx, r)
}

// rest reads to io.EOF.
func (f *fixture) rest(ctx context.Context, r driver.Reader) (all []carried, positions []string) {
	f.Helper()
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all, positions
		}
		if err != nil {
			f.Fatalf("Next after %d messages: %v", len(all), err)
		}
		if len(batch) == 0 {
			f.Fatalf("Next returned no message and no error")
		}
		for _, m := range batch {
			all = append(all, carry(m))
			positions = append(positions, m.Position)
			if m.Inbox {
				f.Errorf("a message of the history is marked as from an inbox")
			}
		}
	}
}

var oldest = driver.Start{Kind: driver.StartOldest}

func logIsRead(f *fixture) {
	d, topic := f.open(), f.name("log")
	msgs := f.variety()
	want := carryAll(msgs)
	f.publish(d, driver.Address{Topic: topic, Log: true}, msgs...)
	got, _ := f.read(f.open(), topic, oldest, "")
	f.unchanged(want, got)
}

func logReadsAgain(f *fixture) {
	d, topic := f.open(), f.name("log")
	to := driver.Address{Topic: topic, Log: true}
	var want []string
	for range 4 {
		msgs := f.events(50, "k")
		want = append(want, ids(msgs)...)
		f.publish(d, to, msgs...)
		for range 2 {
			got, _ := f.read(d, topic, oldest, "")
			f.ordered("the log", want, idsOf(got))
		}
	}
}

func logUnknown(f *fixture) {
	d := f.open()
	ctx, cancel := f.within()
	defer cancel()
	r, err := d.(driver.History).Read(ctx, f.name("log"), oldest, "")
	if err != nil {
		if !errors.Is(err, driver.ErrUnknownTopic) {
			f.Errorf("Read of a log that was never written: %v, want ErrUnknownTopic", err)
		}
		return
	}
	if all, _ := f.rest(ctx, r); len(all) > 0 {
		f.Errorf("a log that was never written holds %d messages", len(all))
	}
	_ = r.Close(ctx)
}

func logRefused(f *fixture) {
	d := f.open()
	r := f.send(d, driver.Address{Topic: f.name("log"), Log: true}, f.event("k"))
	f.wait(r)
	if fate, _ := r.at(0); fate == driver.Stored {
		f.Errorf("logs are refused by the capabilities, but one says stored")
	}
}

// past is a topic with a group that has taken nothing, and ten messages.
func (f *fixture) past() (d driver.Driver, topic string, m *member, msgs []*driver.Message) {
	f.Helper()
	d, topic = f.open(), f.name("t")
	m = f.reader(d, topic)
	msgs = f.events(10, "k")
	f.publish(d, f.to(topic), msgs...)
	return d, topic, m, msgs
}

func historyFromStart(f *fixture) {
	d, topic, m, msgs := f.past()
	want := carryAll(msgs)
	m.drain(10) // what every group has finished is history all the same
	for _, at := range []driver.Start{{}, oldest} {
		got, _ := f.read(d, topic, at, "")
		f.ordered("the history", ids(msgs), idsOf(got))
		f.unchanged(want, got)
	}
}

func historyStarts(f *fixture) {
	d, topic, m, msgs := f.past()
	held := m.take(10)
	_, positions := f.read(d, topic, oldest, "")
	for i, p := range positions {
		if p == "" || p != held[i].Position {
			f.Fatalf("message %d has the position %q in the history and %q in the group", i, p, held[i].Position)
		}
	}
	got, _ := f.read(d, topic, driver.Start{Kind: driver.StartAfter, Position: positions[6]}, "")
	f.ordered("after the seventh", ids(msgs[7:]), idsOf(got))
	f.pause(f.h.Quiet)
	at := time.Now()
	f.pause(f.h.Quiet)
	later := f.events(3, "k")
	f.publish(d, f.to(topic), later...)
	got, _ = f.read(d, topic, driver.Start{Kind: driver.StartTime, Time: at}, "")
	f.ordered("from a time on", ids(later), idsOf(got))
	if got, _ = f.read(d, topic, driver.Start{Kind: driver.StartNewest}, ""); len(got) > 0 {
		f.Errorf("from the newest on there are %d messages, want none", len(got))
	}
}

func historyTo(f *fixture) {
	d, topic, _, msgs := f.past()
	_, positions := f.read(d, topic, oldest, "")
	got, _ := f.read(d, topic, oldest, positions[4])
	f.ordered("to the fifth", ids(msgs[:5]), idsOf(got))
	got, _ = f.read(d, topic, driver.Start{Kind: driver.StartAfter, Position: positions[2]}, positions[3])
	f.ordered("after the third to the fourth", ids(msgs[3:4]), idsOf(got))
}

func historyBound(f *fixture) {
	d, topic, _, msgs := f.past()
	ctx, cancel := f.within()
	defer cancel()
	r, err := d.(driver.History).Read(ctx, topic, oldest, "")
	if err != nil {
		f.Fatalf("Read: %v", err)
	}
	defer func() { _ = r.Close(ctx) }()
	f.publish(d, f.to(topic), f.events(10, "k")...)
	got, _ := f.rest(ctx, r)
	f.ordered("what was stored when Read was called", ids(msgs), idsOf(got))
}

func historySettlesNothing(f *fixture) {
	d, topic, m, msgs := f.past()
	f.read(d, topic, oldest, "")
	f.same("the group after a Read", ids(msgs), idsOf(m.drain(10)))
	m.quiet()
	f.read(d, topic, oldest, "")
	m.quiet()
}

func historyErrors(f *fixture) {
	d, topic, _, _ := f.past()
	ctx, cancel := f.within()
	defer cancel()
	for _, c := range []struct {
		topic string
		at    driver.Start
		want  error
	}{
		{f.name("unknown"), oldest, driver.ErrUnknownTopic},
		{topic, driver.Start{Kind: driver.StartAfter, Position: "no such position"}, driver.ErrPosition},
	} {
		r, err := d.(driver.History).Read(ctx, c.topic, c.at, "")
		if !errors.Is(err, c.want) {
			f.Errorf("Read(%s, %+v): %v, want an error that wraps %q", c.topic, c.at, err, c.want)
		}
		if err == nil {
			_ = r.Close(ctx)
		}
	}
}

func historyReader(f *fixture) {
	d, topic, _, msgs := f.past()
	want := carryAll(msgs)
	ctx, cancel := f.within()
	defer cancel()
	r, err := d.(driver.History).Read(ctx, topic, oldest, "")
	if err != nil {
		f.Fatalf("Read: %v", err)
	}
	batch, err := r.Next(ctx)
	if err != nil {
		f.Fatalf("Next: %v", err)
	}
	f.publish(d, f.to(topic), f.events(50, "k")...)
	f.unchanged(want[:len(batch)], carryAll(batch))
	for range 2 {
		if err := r.Close(ctx); err != nil {
			f.Errorf("Close of a Reader: %v", err)
		}
	}
}

func historyRefused(f *fixture) {
	d, topic := f.open(), f.name("t")
	f.reader(d, topic)
	h, ok := d.(driver.History)
	if !ok {
		return
	}
	ctx, cancel := f.within()
	defer cancel()
	r, err := h.Read(ctx, topic, driver.Start{}, "")
	if !errors.Is(err, driver.ErrUnsupported) {
		f.Errorf("Read where history is refused: %v, want an error that wraps ErrUnsupported", err)
	}
	if err == nil {
		_ = r.Close(ctx)
	}
}
