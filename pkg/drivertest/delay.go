package drivertest

import (
	"errors"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var delaySentences = []Sentence{
	{Area: "delay", Text: "a delayed message of a topic never comes early, to each group", needs: []need{groups, delay}, check: topicDelay},
	{Area: "delay", Text: "a delay that is refused is Invalid and ErrUnsupported", needs: []need{without(driver.FeatureDelay)}, check: delayRefused},
}

func topicDelay(f *fixture) {
	d, topic := f.open(), f.name("t")
	a, b := f.reader(d, topic), f.reader(d, topic)
	msgs, due := f.delayed()
	f.publish(d, f.to(topic), msgs...)
	f.notEarly(a, due)
	f.notEarly(b, due)
}

func delayRefused(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	msgs := f.events(3, "k")
	msgs[1].NotBefore = time.Now().Add(time.Hour)
	r := f.send(d, f.to(topic), msgs...)
	f.wait(r)
	for i, want := range []driver.Fate{driver.Stored, driver.Invalid, driver.Stored} {
		fate, err := r.at(i)
		if fate != want || want == driver.Invalid && !errors.Is(err, driver.ErrUnsupported) {
			f.Errorf("message %d is %v (%v), want %v, and ErrUnsupported for the delayed one", i, fate, err, want)
		}
	}
	f.same("what came", []string{msgs[0].ID, msgs[2].ID}, idsOf(m.drain(2)))
	m.quiet()
}
