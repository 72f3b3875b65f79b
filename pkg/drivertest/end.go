package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"

	"github.com/herald-go/herald/pkg/driver"
)

var endSentences = []Sentence{
	{Area: "close", Text: "Close leaves no goroutine behind", check: driverLeavesNoGoroutine},
	{Area: "close", Text: "closing a subscription leaves no goroutine behind", check: subscriptionLeavesNoGoroutine},
	{Area: "close", Text: "a cancelled Send and Receive leave no goroutine behind", check: cancelLeavesNoGoroutine},
}

// leaks runs a cycle once to warm up what lives as long as the process, and then some more times: each goroutine that is left over after
// that is a leak. Goroutines are told apart by a profiler label, which they inherit, so that other tests may run at the same time.
func (f *fixture) leaks(cycle func()) {
	f.Helper()
	const cycles = 4
	label := f.name("leak")
	pprof.Do(f.Context(), pprof.Labels("drivertest", label), func(context.Context) {
		cycle()
		f.pause(f.h.Quiet)
		before, _ := labelled(label)
		for range cycles {
			cycle()
		}
		f.eventually(func() (bool, string) {
			now, stacks := labelled(label)
			return now <= before, fmt.Sprintf("%d goroutines are left of %d cycles:\n%s", now-before, cycles, stacks)
		})
	})
}

// labelled counts the goroutines with the label, the caller among them, and returns their stacks.
func labelled(label string) (int, string) {
	var buf bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&buf, 1); err != nil {
		return 0, err.Error()
	}
	total, stacks := 0, ""
	for record := range strings.SplitSeq(buf.String(), "\n\n") {
		if !strings.Contains(record, strconv.Quote(label)) {
			continue
		}
		record = record[max(0, strings.LastIndex(record[:strings.Index(record, "# labels")], "goroutine profile")):]
		for line := range strings.Lines(record) {
			var n int
			if _, err := fmt.Sscanf(line, "%d @", &n); err == nil {
				total += n
			}
		}
		stacks += record + "\n\n"
	}
	return total, stacks
}

func driverLeavesNoGoroutine(f *fixture) {
	f.leaks(func() {
		d, topic := f.open(), f.name("t")
		a, b := f.reader(d, topic), f.reader(d, topic)
		f.publish(d, f.to(topic), f.events(20, "k")...)
		a.drain(20)
		b.take(10)
		f.shut(d)
	})
}

func subscriptionLeavesNoGoroutine(f *fixture) {
	d := f.open()
	f.leaks(func() {
		m := f.reader(d, f.name("t"))
		m.quiet()
		m.leave()
	})
}

func cancelLeavesNoGoroutine(f *fixture) {
	d, topic := f.open(), f.name("t")
	m := f.reader(d, topic)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	f.leaks(func() {
		for range 5 {
			r := f.track(1)
			d.Publisher().Send(ended, f.to(topic), []*driver.Message{f.event("k")}, r)
			f.wait(r)
			if _, err := m.Receive(ended, 1, bytesEnough); err == nil {
				continue // a message that was there already may come
			}
		}
	})
}
