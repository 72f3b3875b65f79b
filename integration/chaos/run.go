package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/history"
	"github.com/herald-go/herald/integration/network"
)

const (
	warmTime  = 3 * time.Second
	drainTime = 90 * time.Second
)

// run is one session of a run.
type run struct {
	cfg      Config
	dir      string
	topic    string
	seed     uint64
	random   *rand.Rand
	broker   *brokers.Broker
	log      *history.File
	watch    *watch
	children map[string]*child
	nets     []*network.Network
	direct   *messaging.Broker // the parent's own, past all networks
	faults   int64
	links    int // connections that the broker had before anybody came
	epochs   map[string]int
	failed   []error // of faults that could not be injected as they should
}

// Run runs what a folder still lacks of a run, and judges the whole. The error is of the harness; violations stand in the result. A broker that
// can't be had is an error that wraps brokers.ErrAbsent.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	cfg = cfg.withDefaults()
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := cfg.save(cfg.Dir); err != nil {
		return nil, err
	}
	for {
		before, done, err := sessions(cfg.Dir)
		if err != nil {
			return nil, err
		}
		if done >= cfg.Duration {
			return Judge(cfg.Dir)
		}
		if err := session(ctx, cfg, len(before)+1, min(cfg.Duration-done, longest)); err != nil {
			return nil, err
		}
	}
}

// longest is the longest session: what an interrupted run has to do again at most.
const longest = 15 * time.Minute

// session runs the phases once.
func session(ctx context.Context, cfg Config, number int, duration time.Duration) (err error) {
	seed := cfg.Seed + uint64(number-1)<<32
	r := &run{
		cfg: cfg, dir: filepath.Join(cfg.Dir, "session-"+strconv.Itoa(number)), topic: fmt.Sprintf("chaos.%08x", rand.Uint32()), seed: seed,
		random: rand.New(rand.NewPCG(seed, 0)), children: map[string]*child{}, epochs: map[string]int{},
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	opts := settings(cfg.Broker)
	if cfg.Origin != "" {
		opts = append(opts, brokers.From(cfg.Origin))
	}
	r.say("starting %s", cfg.Broker)
	if r.broker, err = brokers.Take(ctx, cfg.Broker, opts...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.broker.End(context.WithoutCancel(ctx))) }()
	r.say("%s %s (%s)", cfg.Broker, r.broker.Version(), r.broker.Origin())
	if r.log, err = history.Append(r.dir, "nemesis"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.log.Close()) }()
	defer r.abandon()
	r.watch = newWatch(r.dir, group)
	if err := r.log.Add(history.Op{Kind: history.Phase, Note: "origin", Member: fmt.Sprintf("%s %s (%s)", cfg.Broker, r.broker.Version(), r.broker.Origin())}); err != nil {
		return err
	}
	return r.phases(ctx, duration)
}

func (r *run) phases(ctx context.Context, duration time.Duration) error {
	if err := r.warm(ctx); err != nil {
		return fmt.Errorf("warm: %w", err)
	}
	r.phase("faults")
	if err := r.nemesis(ctx, time.Now().Add(duration-warmTime)); err != nil {
		return fmt.Errorf("faults: %w", err)
	}
	r.phase("heal")
	if err := r.heal(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	r.phase("drain")
	drained := r.drain(ctx)
	if drained != nil {
		r.say("%v", drained)
	}
	r.phase("close")
	if err := r.close(); err != nil {
		r.say("%v", err)
		r.failed = append(r.failed, err)
	}
	return errors.Join(append(r.failed, os.WriteFile(filepath.Join(r.dir, doneFile), []byte(duration.String()+"\n"), 0o644))...)
}

// doneFile tells that a session came to its end, and how long it was.
const doneFile = "done"

func (r *run) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.cfg.Log, "%s %s seed %d: %s\n", time.Now().Format("15:04:05"), r.cfg.Broker, r.cfg.Seed, fmt.Sprintf(format, args...)) // the history says it too
}

func (r *run) phase(name string) {
	if err := r.watch.poll(); err != nil {
		r.failed = append(r.failed, err)
	}
	r.say("%s; %d acked, %d waiting", name, r.watch.acked, r.watch.waiting())
	r.note(history.Op{Kind: history.Phase, Note: name})
}

func (r *run) note(o history.Op) {
	if err := r.log.Add(o); err != nil {
		r.failed = append(r.failed, err)
	}
}

// warm opens everything, and waits until traffic flows.
func (r *run) warm(ctx context.Context) error {
	r.phase("warm")
	var err error
	if r.links, err = r.linked(ctx); err != nil {
		return err
	}
	role := Role{Broker: string(r.cfg.Broker), URL: r.broker.URL(), Topic: r.topic, Group: group, Partitions: partitions}
	spec := messaging.Topic{Name: r.topic, Partitions: partitions, Groups: []string{group}}
	if r.cfg.Client != "" {
		return r.crew(ctx)
	}
	if r.direct, err = Open(ctx, role, messaging.WithConfig(messaging.Config{Service: "chaos", Topics: []messaging.Topic{spec}})); err != nil {
		return err
	}
	return r.crew(ctx)
}

// crew starts the processes, and waits until traffic flows.
func (r *run) crew(ctx context.Context) error {
	for i := range r.cfg.Members {
		if _, err := r.member(ctx, "m"+strconv.Itoa(i+1), r.network(), false); err != nil {
			return err
		}
	}
	for i := range r.cfg.Publishers {
		if err := r.publisher(ctx, "p"+strconv.Itoa(i+1), r.network()); err != nil {
			return err
		}
	}
	r.wait(ctx, warmTime)
	return nil
}

func (r *run) network() *network.Network {
	n := network.Open()
	r.nets = append(r.nets, n)
	return n
}

// named returns the name of the next process in a place: the place and how many it has had.
func (r *run) named(place string) string {
	r.epochs[place]++
	return place + "." + strconv.Itoa(r.epochs[place])
}

// member starts a member and waits until it has subscribed.
func (r *run) member(ctx context.Context, place string, net *network.Network, skewed bool) (*child, error) {
	role := Role{
		Name: r.named(place), Part: Handling, Topic: r.topic, Group: group, Partitions: partitions, Seed: r.random.Uint64(), Window: window,
		Work: 3 * time.Millisecond, Skewed: skewed, Broken: r.cfg.Broken, Client: r.cfg.Client,
	}
	c, err := r.start(ctx, role, net)
	if err != nil {
		return nil, err
	}
	return c, c.await(ctx, saysReady)
}

func (r *run) publisher(ctx context.Context, place string, net *network.Network) error {
	all := keys * r.cfg.Publishers
	role := Role{
		Name: r.named(place), Part: Publishing, Topic: r.topic, Group: group, Partitions: partitions, Seed: r.random.Uint64(), Keys: keys,
		Pause: time.Duration(all) * time.Second / time.Duration(r.cfg.Rate), Hasty: hastyPause, Broken: r.cfg.Broken, Client: r.cfg.Client,
	}
	c, err := r.start(ctx, role, net)
	if err != nil {
		return err
	}
	return c.await(ctx, saysReady)
}

// of returns the processes that play a part, by name.
func (r *run) of(part string) []*child {
	var some []*child
	for _, c := range r.children {
		if c.role.Part == part {
			some = append(some, c)
		}
	}
	sortChildren(some)
	return some
}

// tell gives an order to all who play a part, and waits until they have carried it out.
func (r *run) tell(ctx context.Context, part, order, answer string) error {
	for _, c := range r.of(part) {
		if err := c.order(order); err != nil {
			return fmt.Errorf("%s %s: %w", order, c.role.Name, err)
		}
	}
	for _, c := range r.of(part) {
		if err := c.await(ctx, answer); err != nil {
			return err
		}
	}
	return nil
}

// wait lets time pass, and keeps up with the history.
func (r *run) wait(ctx context.Context, d time.Duration) {
	pause(ctx, d)
	if err := r.watch.poll(); err != nil {
		r.failed = append(r.failed, err)
	}
}

// drain ends publishing, waits for all that is stored, sends the dead letters back, and waits for them.
func (r *run) drain(ctx context.Context) error {
	if err := r.tell(ctx, Publishing, orderHold, saysHeld); err != nil {
		return err
	}
	if err := r.watch.drain(ctx, drainTime); err != nil {
		return err
	}
	if r.direct == nil {
		return nil // no other client sends dead letters back
	}
	sent, err := r.redrive(ctx)
	if err != nil {
		return fmt.Errorf("redrive: %w", err)
	}
	want := r.watch.handled + sent
	for began := time.Now(); r.watch.handled < want && time.Since(began) < drainTime; {
		r.wait(ctx, 200*time.Millisecond)
	}
	r.say("%d dead letters sent back, %d events handled", sent, r.watch.handled)
	return r.watch.drain(ctx, drainTime)
}

// redrive notes the dead letters that are stored, and sends them all back.
func (r *run) redrive(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	seen := map[string]bool{}
	for l, err := range r.direct.DeadLetters(ctx, r.topic, group) {
		if err != nil {
			return 0, err
		}
		seen[l.Event.ID] = true
		r.note(history.Op{Kind: history.Dead, ID: l.Event.ID, Key: l.Event.Key, Group: group, Member: "nemesis", Note: string(l.Reason)})
	}
	if err := r.watch.poll(); err != nil {
		return 0, err
	}
	report, err := r.direct.Redrive(ctx, r.topic, group, messaging.RedriveRequest{ID: "drain", Select: func(l *messaging.DeadLetter) bool {
		r.note(history.Op{Kind: history.Redriven, ID: l.Event.ID, Key: l.Event.Key, Group: group})
		return true
	}})
	return report.Sent, err
}

// close ends every process in good order, and looks for connections that are left.
func (r *run) close() error {
	var errs []error
	for _, c := range append(r.of(Publishing), r.of(Handling)...) {
		errs = append(errs, c.stop())
		delete(r.children, c.role.Name)
	}
	open := 0
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		open = 0
		for _, n := range r.nets {
			open += n.Connections()
		}
		if open == 0 {
			break
		}
		pause(context.Background(), 20*time.Millisecond)
	}
	r.note(history.Op{Kind: history.Left, Note: "connections", Member: "all", Count: int64(open)})
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if r.direct != nil {
		errs = append(errs, r.direct.Close(ctx))
	}
	r.direct = nil
	return errors.Join(append(errs, r.unlinked(ctx))...)
}

// abandon ends what a session that failed has left running.
func (r *run) abandon() {
	for _, c := range r.children {
		_ = c.kill() // it may have ended
	}
	if r.direct != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		_ = r.direct.Close(ctx) // what failed is told already
	}
	for _, n := range r.nets {
		n.Close()
	}
}
