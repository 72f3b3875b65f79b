package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/history"
)

// The parts that a process plays.
const (
	Publishing = "publisher"
	Handling   = "member"
)

// Role is what one process does. It is handed to the process as JSON.
type Role struct {
	// Name is the process's in the history, and Part what it plays.
	Name, Part string
	// Broker, URL and Through say how it gets to its broker: the kind, the URL, and the address that leads there over the network. Session, if
	// positive, replaces the broker's session.
	Broker, URL, Through string
	// Client names the library that carries the events: Herald if it is empty.
	Client string
	// Dir is the folder of the history.
	Dir string
	// Topic and Group are those of the run, in so many Partitions.
	Topic, Group string
	Partitions   int
	// Seed makes the process's own choices.
	Seed uint64
	// Keys is how many keys a publisher has, each with a Pause after an event; Hasty is the pause of the publisher that is cancelled.
	Keys         int
	Pause, Hasty time.Duration
	// Window is a member's, Work the most that its handler takes.
	Window int
	Work   time.Duration
	// Skewed gives the process a wall clock that is wrong by up to an hour, and jumps.
	Skewed bool
	// Together says that other roles are played in the same process, so that what is left of this one can't be told.
	Together bool
	// Broken names what is wrong with the process: one of Breakages.
	Broken string
}

// Opener opens a broker for a role.
type Opener func(ctx context.Context, r Role, opts ...messaging.Option) (*messaging.Broker, error)

// Orders to a process, one a line.
const (
	orderHold = "hold" // publishers and handlers come to rest; answered by held
	orderRest = "rest" // handlers rest, publishers go on; answered by held
	orderGo   = "go"   // they go on; answered by gone
)

// What a process says.
const (
	saysReady = "ready"
	saysHeld  = "held"
	saysGone  = "gone"
)

// worker is a process that plays a role.
type worker struct {
	role   Role
	client client
	log    *history.File
	gate   gate
	early  early
}

// Work plays a role until ctx ends or orders is closed. It closes its broker then, and writes down what is left over.
func Work(ctx context.Context, r Role, open Opener, orders <-chan string, say func(string)) (err error) {
	log, err := history.Append(r.Dir, r.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	w := &worker{role: r, log: log}
	w.gate.open()
	before := count()
	opening, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if w.client, err = w.carrier(opening, open); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	var play func(context.Context) (wait func(), err error)
	switch r.Part {
	case Publishing:
		play = w.publish
	case Handling:
		play = w.subscribe
	default:
		return fmt.Errorf("chaos: no part %q", r.Part)
	}
	wait, err := play(working)
	if err == nil {
		say(saysReady)
		w.obey(working, orders, say)
	}
	stop()
	w.gate.open()
	if wait != nil {
		wait()
	}
	closing, end := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer end()
	err = errors.Join(err, w.client.close(closing))
	return errors.Join(err, w.left(before))
}

// closeTime bounds the closing of a broker.
const closeTime = 40 * time.Second

// options are those of each broker that is opened.
func (w *worker) options() []messaging.Option {
	spec := messaging.Topic{Name: w.role.Topic, Partitions: w.role.Partitions, Groups: []string{w.role.Group}}
	options := []messaging.Option{
		messaging.WithConfig(messaging.Config{Service: "chaos", Topics: []messaging.Topic{spec}, DrainTimeout: 10 * time.Second}),
		messaging.WithHooks(messaging.Hooks{Notice: w.notice, DeadLetter: w.dead}),
	}
	if w.role.Skewed {
		options = append(options, messaging.WithClock(skewed(w.role.Seed)))
	}
	return options
}

// skewed is a clock that is wrong by up to an hour, by another amount every two seconds.
func skewed(seed uint64) func() time.Time {
	began := time.Now()
	return func() time.Time {
		step := seed + uint64(time.Since(began)/(2*time.Second))
		step = step*6364136223846793005 + 1442695040888963407
		return time.Now().Add(time.Duration(int64(step>>33)%7200-3600) * time.Second)
	}
}

// obey carries out orders, and measures the process, until there are no more orders.
func (w *worker) obey(ctx context.Context, orders <-chan string, say func(string)) {
	measure := time.NewTicker(500 * time.Millisecond)
	defer measure.Stop()
	for {
		select {
		case order, ok := <-orders:
			if !ok {
				return
			}
			w.order(ctx, order, say)
		case <-measure.C:
			w.note(history.Op{Kind: history.Memory, Member: w.role.Name, Count: resident()})
		case <-ctx.Done():
			return
		}
	}
}

func (w *worker) order(ctx context.Context, order string, say func(string)) {
	switch order {
	case orderGo:
		w.gate.open()
		say(saysGone)
	case orderHold, orderRest:
		if order == orderHold || w.role.Part == Handling {
			w.gate.shut()
		}
		if order == orderHold && w.role.Part == Publishing {
			w.gate.rest(ctx)
		}
		say(saysHeld)
	}
}

func (w *worker) notice(n messaging.Notice) {
	o := history.Op{Kind: history.Hurt, Member: w.role.Name, Note: n.Detail}
	switch n.Kind {
	case messaging.Connected:
		return
	case messaging.Gap:
		w.note(history.Op{Kind: history.Gap, Member: w.role.Name, Count: n.Count, Note: n.Detail})
		return
	case messaging.Disconnected:
		o.Note = "disconnected"
	case messaging.Rebalanced:
		o.Note = "rebalanced"
	}
	w.note(o)
}

func (w *worker) dead(l *messaging.DeadLetter) {
	w.note(w.op(history.Dead, l.Event.ID, l.Event.Key))
}

// op makes an operation of this process; the number of an event within its key stands in its id, after the key.
func (w *worker) op(kind history.Kind, id, key string) history.Op {
	o := history.Op{Kind: kind, ID: id, Key: key, Group: w.role.Group, Member: w.role.Name}
	if key != "" && len(id) > len(key) {
		o.Seq, _ = strconv.Atoi(id[len(key)+1:])
	}
	return o
}

// note writes an operation down. A process that can't is worse than none: what it does then would be called lost or unexpected.
func (w *worker) note(o history.Op) {
	if err := w.log.Add(o); err != nil {
		fmt.Fprintln(os.Stderr, w.role.Name+":", err)
		os.Exit(exitNoHistory)
	}
}

// exitNoHistory is the exit status of a process that can't write its history.
const exitNoHistory = 3

// counts are what a process must give back.
type counts struct{ goroutines, descriptors int }

func count() counts {
	c := counts{goroutines: runtime.NumGoroutine()}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil { // elsewhere descriptors are not counted
		c.descriptors = len(open)
	}
	return c
}

// left writes down what is more than before. What has just ended may take a moment to be gone.
func (w *worker) left(before counts) error {
	if w.role.Together {
		return nil
	}
	now := count()
	check := time.NewTicker(20 * time.Millisecond)
	defer check.Stop()
	for began := time.Now(); time.Since(began) < 5*time.Second; now = count() {
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			break
		}
		<-check.C
	}
	if now.goroutines > before.goroutines && w.role.Broken == "" {
		stacks := make([]byte, 1<<18)
		fmt.Fprintf(os.Stderr, "%s leaves goroutines:\n%s\n", w.role.Name, stacks[:runtime.Stack(stacks, true)])
	}
	return w.log.Add(
		history.Op{Kind: history.Left, Member: w.role.Name, Note: "goroutines", Count: int64(max(now.goroutines-before.goroutines, 0))},
		history.Op{Kind: history.Left, Member: w.role.Name, Note: "descriptors", Count: int64(max(now.descriptors-before.descriptors, 0))},
	)
}

// resident returns the process's resident memory in bytes, or what the runtime has of the system where that is not known.
func resident() int64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		fields := strings.Fields(string(text))
		if pages, err := strconv.ParseInt(fields[min(1, len(fields)-1)], 10, 64); err == nil {
			return pages * int64(os.Getpagesize())
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
