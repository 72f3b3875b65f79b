package contest

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"
)

// Works, by name. A prefix up to a slash names all of its kind.
const (
	Publish1    = "publish/1"         // one caller, one event a call, waiting for each
	Publish64   = "publish/64"        // 64 of them
	Publish1000 = "publish/1000"      // a thousand of them
	Pipelined   = "publish/pipelined" // one caller that does not wait for each event
	Batch100    = "publish/batch-100" // one caller, a hundred events a call
	Consume     = "consume/noop"      // what is stored already, by a handler that does nothing
	Ordered     = "consume/64x1ms"    // the same by 64 handlers that take a millisecond, the events of a key in order
	Retried     = "consume/retry"     // the same by a handler that fails one event in ten once, and one in a hundred always
	Latency     = "latency/low"       // publishing to handler, at half of what the slowest contestant carries
	LatencyHigh = "latency/high"      // the same at half of what the bare client carries
	Startup     = "startup"           // from nothing to the first event published and handled
	Reconnect   = "reconnect"         // from the cut of the consumer's connections to the next event handled
)

// Works are all of them, in the order of tables.
var Works = []string{Publish1, Publish64, Publish1000, Batch100, Pipelined, Consume, Ordered, Retried, Latency, LatencyHigh, Startup, Reconnect}

// Params are what a contest fixes.
type Params struct {
	// Size is the bytes of each event's data, at least 16.
	Size int
	// Keys is how many keys there are.
	Keys int
	// Window is how many events may be on their way or in hand; 0 is what each contestant says.
	Window int `json:",omitempty"`
	// Stored is how many events lie in the topic before the work begins, for works that publish.
	Stored int `json:",omitempty"`
	// Topics is how many topics are published to in turn; 0 is one.
	Topics int `json:",omitempty"`
	// Groups is how many groups each get every event; 0 is one.
	Groups int `json:",omitempty"`
}

// Contest is one comparison.
type Contest struct {
	Broker string
	Work   string
	Params Params
	// Axis is the parameter that a series of contests varies, or "".
	Axis string `json:",omitempty"`
}

// Name returns the contest as a line of benchmarks names it.
func (c Contest) Name() string {
	name := fmt.Sprintf("broker=%s/work=%s/size=%d/keys=%d", c.Broker, strings.ReplaceAll(c.Work, "/", "-"), c.Params.Size, c.Params.Keys)
	for _, p := range []struct {
		name  string
		value int
	}{{"window", c.Params.Window}, {"stored", c.Params.Stored}, {"topics", c.Params.Topics}, {"groups", c.Params.Groups}} {
		if p.value > 0 {
			name += fmt.Sprintf("/%s=%d", p.name, p.value)
		}
	}
	return name
}

// Value returns the parameter that the contest's axis varies.
func (c Contest) Value() int {
	return map[string]int{
		"size": c.Params.Size, "keys": c.Params.Keys, "window": c.Params.Window, "stored": c.Params.Stored,
		"topics": max(1, c.Params.Topics), "groups": max(1, c.Params.Groups),
	}[c.Axis]
}

// kind is the work's name up to the slash.
func (c Contest) kind() string {
	kind, _, _ := strings.Cut(c.Work, "/")
	return kind
}

// Callers returns how many goroutines publish.
func (c Contest) Callers() int {
	switch {
	case c.Work == Publish64, c.kind() == "latency":
		return 64
	case c.Work == Publish1000:
		return 1000
	default:
		return 1
	}
}

// batch returns how many events a call has.
func (c Contest) batch() int {
	if c.Work == Batch100 {
		return 100
	}
	return 1
}

// Workers returns how many handlers may run at once: one stands for no more than the contestant likes.
func (c Contest) Workers() int {
	if c.Work == Ordered {
		return 64
	}
	return 1
}

// Task is one contest for one contestant: what a process is told on its standard input.
type Task struct {
	Contest
	Contestant string
	// URL opens the broker with user and password, Addr is its host and port, and Inside those for programs that run where it is.
	URL, Addr, Inside string
	// Topic is a name that nobody else has.
	Topic string
	// N is how many events are measured, and For how long what waits for each event or batch is measured instead, if it is not 0.
	N   int
	For time.Duration `json:",omitempty"`
	// Rate is the events a second of a latency work; 0 is as fast as it goes.
	Rate float64 `json:",omitempty"`
	// Via is where the broker of Addr is reached without what stands between, such as a program that forwards a container's port; or "".
	Via string `json:",omitempty"`
	// Profile is a file that the turn's process writes its processor profile to, or "".
	Profile string `json:",omitempty"`
	// Dial, if not nil, must make every connection.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-"`
}

// timed reports whether the task takes so much time rather than so many events.
func (t *Task) timed() bool { return t.For > 0 && t.kind() == "publish" && t.Work != Pipelined }

// Dialer returns Dial, or a plain one, that goes by Via where there is one. Every connection of a contestant is made by it.
func (t *Task) Dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	dial := t.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == t.Addr && t.Via != "" {
			address = t.Via
		}
		return dial(ctx, network, address)
	}
}

// Fills reports whether events are stored before the work begins, and how many.
func (t *Task) Fills() int {
	switch t.kind() {
	case "consume":
		return t.N
	case "publish":
		return t.Params.Stored
	default:
		return 0
	}
}

// TopicOf returns the topic of event i.
func (t *Task) TopicOf(i int) string {
	if t.Params.Topics <= 1 {
		return t.Topic
	}
	return fmt.Sprintf("%s-%d", t.Topic, i%t.Params.Topics)
}

// AllTopics returns the topics of the task.
func (t *Task) AllTopics() []string {
	topics := make([]string, max(1, t.Params.Topics))
	for i := range topics {
		topics[i] = t.TopicOf(i)
	}
	return topics
}

// AllGroups returns the groups that must exist before the first event.
func (t *Task) AllGroups() []string {
	groups := make([]string, max(1, t.Params.Groups))
	for i := range groups {
		groups[i] = fmt.Sprintf("g%d", i)
	}
	return groups
}

// WindowBytes bounds every contestant's own window: one that has more events in hand than a turn has is not measured at all.
const WindowBytes = 64 << 20

// Window returns the window, or as much of the contestant's own as WindowBytes has room for.
func (t *Task) Window(own int) int {
	if t.Params.Window > 0 {
		return t.Params.Window
	}
	return min(own, max(1, WindowBytes/max(1, t.Params.Size)))
}

// head is what every body begins with: the event's number, and the time when it was due.
const head = 16

// Body makes the data of event i, stamped with now.
func Body(size, i int, now time.Time) []byte {
	body := make([]byte, max(size, head))
	binary.BigEndian.PutUint64(body, uint64(i))
	binary.BigEndian.PutUint64(body[8:], uint64(now.UnixNano()))
	return body
}

// Number reads the event's number.
func Number(body []byte) int {
	if len(body) < head {
		return -1
	}
	return int(binary.BigEndian.Uint64(body))
}

// Stamp reads when the event was due.
func Stamp(body []byte) time.Time {
	if len(body) < head {
		return time.Time{}
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(body[8:])))
}
