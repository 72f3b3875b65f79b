package rabbitmq

import "time"

const (
	// gatherPause is how long the connection's reader lets events gather while they come densely. The broker sends two or three at a time; to read
	// them at once takes a system call and wakes three goroutines, which costs more than the events do. What a pause delays is less than what a
	// quorum queue takes to store an event, and the same for every event: none overtakes another.
	gatherPause = 400 * time.Microsecond
	// gatherEach is how close to each other events must come for that: 20,000 a second.
	gatherEach = 50 * time.Microsecond
	// gatherCount is over how many events that is judged.
	gatherCount = 64
	// gatherWindow is the least prefetch of a consumer whose events gather: a smaller window might be empty before a pause ends, and then the
	// broker would wait for the reader.
	gatherWindow = 256
)

// gather judges whether events come densely. It belongs to a splitter's reader.
type gather struct {
	events int       // that have come since mark
	mark   time.Time // when they were judged last
	dense  bool
}

// arrived counts an event of a consumer with a prefetch.
func (g *gather) arrived(prefetch int) {
	if prefetch >= gatherWindow {
		g.events++
	}
}

// wait comes before each read, and waits where that lets more come with it.
func (g *gather) wait() {
	if g.events == 0 && !g.dense {
		return
	}
	now := time.Now()
	since := now.Sub(g.mark)
	switch {
	case g.events >= gatherCount:
		g.dense = since < time.Duration(g.events)*gatherEach
		g.mark, g.events = now, 0
	case g.dense && since > gatherCount*gatherEach:
		g.dense = false // so few have come since
	}
	if g.dense {
		time.Sleep(gatherPause) //nolint:forbidigo // no event tells that enough has come
	}
}
