package redis

import (
	"context"
	"crypto/rand"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// Bounds of one pipeline. More than this gains nothing: the round trip is far below the time that the commands take.
const (
	pipelineCount = 500
	pipelineBytes = 512 << 10
)

// clusterLines is how many pipelines to a cluster are under way at once: topics are spread over them, so that a node that does not answer
// stops those of its line alone.
const clusterLines = 4

// publisher writes to streams, or to channels. Each line sends one pipeline at a time, so that a topic's order is the order of the calls; what comes
// while a pipeline is under way goes with the next one.
type publisher struct {
	d     *Driver
	room  *sendqueue.Room
	lines []*line
}

func newPublisher(d *Driver) *publisher {
	p := &publisher{d: d, room: sendqueue.NewRoom(d.cfg.Queue, d.cfg.QueueBytes)}
	n := 1
	if d.cfg.isCluster() {
		n = clusterLines
	}
	for range n {
		p.lines = append(p.lines, newLine(d, p.room))
	}
	return p
}

// Send implements driver.Publisher.
func (p *publisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	at := 0
	if len(p.lines) > 1 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(to.Topic)) // never fails
		at = int(h.Sum32() % uint32(len(p.lines)))
	}
	l := p.lines[at]
	if l.cast != nil && len(msgs) == 1 && l.cast.straight(to, msgs[0], r) {
		return
	}
	l.queue.Put(ctx, to, msgs, r)
}

// Close implements driver.Publisher.
func (p *publisher) Close(ctx context.Context) error {
	return closeQueues(ctx, p.lines)
}

func closeQueues(ctx context.Context, lines []*line) error {
	for _, l := range lines {
		l.queue.Close()
	}
	late := false
	for _, l := range lines {
		late = l.queue.Idle(ctx) != nil || late
	}
	for _, l := range lines {
		l.queue.Fail(driver.ErrClosed)
		if late {
			l.cut() // what is claimed gets its fate
		}
	}
	for _, l := range lines {
		_ = l.queue.Idle(context.Background()) // nothing is left but what the cut has ended
	}
	return nil
}

func (p *publisher) online(is bool, err error) {
	for _, l := range p.lines {
		if is {
			l.queue.Online()
		} else {
			l.queue.Offline(err)
		}
	}
}

func (p *publisher) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range p.lines {
		wg.Go(func() { l.run(ctx) })
	}
	wg.Wait()
	for _, l := range p.lines {
		l.close()
	}
}

func (p *publisher) abandon() {
	for _, l := range p.lines {
		l.abandon()
	}
}

// forget makes the lines ask again for a topic.
func (p *publisher) forget(topic string) {
	for _, l := range p.lines {
		l.forget(topic)
	}
}

func (l *line) forget(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.routes, topic)
}

// line is one queue and the connection that it is written to.
type line struct {
	d       *Driver
	queue   *sendqueue.Queue
	client  *client
	batch   []sendqueue.Entry
	stored  []sendqueue.Entry // whose fates are told next
	writes  []write
	args    []any
	targets []target
	latest  aimed // of the batch at hand
	wait    confirmation

	cast    *caster           // set where there is one server, and its answer is all that is waited for
	name    string            // of the publisher, for readers of channels
	numbers map[string]uint64 // of the last message to each channel

	mu     sync.Mutex
	routes map[string]*route
}

func newLine(d *Driver, room *sendqueue.Room) *line {
	l := &line{d: d, queue: sendqueue.New(room), client: newClient(d.cfg, 1, 2*d.cfg.Timeout), routes: make(map[string]*route)}
	l.client.wires.within = d.cfg.Timeout
	l.name, l.numbers = strings.ToLower(rand.Text()), make(map[string]uint64)
	if !d.cfg.PubSub {
		l.wait = d.cfg.confirmation()
	}
	if l.client.cluster == nil && l.wait.args == nil {
		l.cast = newCaster(l)
	}
	return l
}

func (l *line) abandon() {
	l.queue.Close()
	l.queue.Fail(driver.ErrClosed)
	l.cut()
}

// cut ends what is under way.
func (l *line) cut() {
	l.client.wires.cut()
	if l.cast != nil {
		l.cast.client.wires.cut()
	}
}

func (l *line) close() {
	l.client.close()
	if l.cast != nil {
		l.cast.client.close()
	}
}

// run writes until ctx ends.
func (l *line) run(ctx context.Context) {
	if l.cast != nil {
		l.cast.run(ctx)
		return
	}
	for {
		select {
		case <-l.queue.Ready():
		case <-ctx.Done():
			l.queue.Fail(driver.ErrClosed)
			return
		}
		for ctx.Err() == nil && l.queue.Len() > 0 {
			if l.d.link.await(ctx) != nil || !l.stands(ctx) {
				continue
			}
			l.batch = l.queue.Take(l.batch[:0], pipelineCount, pipelineBytes)
			if len(l.batch) == 0 {
				break
			}
			l.send(ctx, l.batch)
			clear(l.batch)
		}
	}
}

// stands makes sure that there is a connection before anything is claimed for it.
func (l *line) stands(ctx context.Context) bool {
	if l.client.wires.alive() {
		return true
	}
	err := l.client.ping(ctx)
	for range 2 { // the pool may have to find out first that its connection is gone
		if err == nil {
			return true
		}
		err = l.client.ping(ctx)
	}
	l.d.link.trouble(err)
	return err == nil
}

// route is where a topic's messages go, as far as is known.
type route struct {
	topic
	streams []string
	trimmed time.Time
}

// routeFor is how long knowledge of a topic is good: so long after others delete its last group, messages may still be stored in it.
const routeFor = time.Second

// routesMost is how many topics are remembered.
const routesMost = 10_000

// known returns what is known of a topic, or nil if that is too old or if there was no group.
func (l *line) known(name string, keep bool) *route {
	l.mu.Lock()
	r := l.routes[name]
	l.mu.Unlock()
	if r != nil && time.Since(r.at) < routeFor && (r.groups || keep && r.born) {
		return r
	}
	return nil
}

// route asks where a topic's messages go.
func (l *line) route(ctx context.Context, name string, keep bool) (*route, error) {
	t, err := l.client.topic(ctx, name)
	if err != nil {
		return nil, err
	}
	if keep && !t.born {
		if t.partitions, err = l.client.bear(ctx, name, 0); err != nil {
			return nil, err
		}
		t.born = true
	}
	l.mu.Lock()
	r := l.routes[name]
	l.mu.Unlock()
	next := &route{topic: t}
	for _, p := range places(name, t.partitions) {
		next.streams = append(next.streams, p.stream())
	}
	if r != nil {
		next.trimmed = r.trimmed
	}
	if !t.limits.none() && time.Since(next.trimmed) > routeFor {
		next.trimmed = time.Now()
		if err := l.d.bind(ctx, l.client, t); isTrouble(err) {
			return nil, err
		}
	}
	l.mu.Lock()
	if len(l.routes) >= routesMost {
		clear(l.routes)
	}
	l.routes[name] = next
	l.mu.Unlock()
	return next, nil
}
