package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// publisher takes messages by address, spreads them over partitions and sends what is there to each leader: one batch at a time of a
// partition, a few requests at a time to a broker where there is more than one holds, else one; what comes meanwhile gathers. Each batch has a sequence, so that it can be sent again until it
// is answered and is stored once.
//
//	Send ─▶ route (a queue per address) ─▶ part (a list per partition) ─▶ sender (a few lanes per broker) ─▶ leader
//	                                            ▲                             │ no leader, no answer, not yet
//	                                            └──────────── seeker ◀────────┘
type publisher struct {
	cluster *cluster
	admin   *admin
	cfg     Config
	start   func(func(context.Context)) // runs a goroutine that stop ends and waits for
	stop    func()
	room    *sendqueue.Room
	seeker  *seeker
	self    identity
	turn    atomic.Uint64 // counts Sends, for messages without key
	batches batches

	away atomic.Pointer[error] // set while the broker is away

	mu      sync.Mutex // guards what follows
	routes  map[routeKey]*route
	parts   map[partKey]*part
	senders map[int32]*sender
	closed  bool
}

type routeKey struct {
	to driver.Address
	mark
}

type partKey struct {
	topic  string
	number int
}

// newPublisher returns a publisher with its first goroutine; abandon ends them all.
func newPublisher(c *cluster, a *admin, cfg Config) *publisher {
	p := &publisher{
		cluster: c, admin: a, cfg: cfg, room: sendqueue.NewRoom(cfg.Queue, cfg.QueueBytes),
		routes: map[routeKey]*route{}, parts: map[partKey]*part{}, senders: map[int32]*sender{},
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	p.start = func(f func(context.Context)) { wg.Go(func() { f(ctx) }) }
	p.stop = func() {
		cancel(driver.ErrClosed)
		p.cut()
		wg.Wait()
	}
	p.self.turn = make(chan struct{}, 1)
	p.seeker = &seeker{p: p, wake: make(chan struct{}, 1)}
	p.start(p.seeker.run)
	return p
}

// cut ends what a sender may hang in.
func (p *publisher) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.senders {
		s.cut()
	}
}

// stickiness is how many small Sends without keys go to one partition before the next takes its turn.
const stickiness = 16

// Send implements driver.Publisher.
func (p *publisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	p.put(ctx, routeKey{to: to}, msgs, r)
}

func (p *publisher) put(ctx context.Context, key routeKey, msgs []*driver.Message, r driver.Result) {
	if len(msgs) == 0 {
		return
	}
	rt, err := p.route(key)
	if err != nil {
		fate := driver.Invalid
		if errors.Is(err, driver.ErrClosed) {
			fate = driver.Unavailable
		}
		for i := range msgs {
			r.Done(i, fate, err)
		}
		return
	}
	rt.queue.Put(ctx, turnAddress(p.turn.Add(uint64(len(msgs)))), msgs, r)
}

// route returns the route of an address, begun if need be.
func (p *publisher) route(key routeKey) (*route, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, driver.ErrClosed
	}
	if rt := p.routes[key]; rt != nil {
		return rt, nil
	}
	if err := validAddress(key.to); err != nil {
		return nil, err
	}
	rt := &route{p: p, key: key, queue: sendqueue.New(p.room)}
	if away := p.away.Load(); away != nil {
		rt.queue.Offline(*away)
	}
	p.routes[key] = rt
	p.start(rt.run)
	return rt, nil
}

func validAddress(to driver.Address) error {
	if !to.Log || !topicIsDerived(to.Topic) {
		if err := driver.CheckTopic(to.Topic); err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
	}
	if to.Group == "" {
		return nil
	}
	if err := driver.CheckGroup(to.Group); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}

// part returns the list of a partition.
func (p *publisher) part(key partKey, limit int) *part {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.parts[key]
	if x == nil {
		x = &part{p: p, topic: key.topic, number: key.number}
		p.parts[key] = x
	}
	x.limit.Store(int64(limit))
	return x
}

// sender returns who sends to a broker.
func (p *publisher) sender(broker int32) *sender {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.senders[broker]
	if s == nil {
		s = newSender(p, broker)
		p.senders[broker] = s
		for _, l := range s.lanes {
			p.start(l.run)
		}
	}
	return s
}

// assign hands a part that has something to send to its leader's sender, or to the seeker.
func (p *publisher) assign(x *part) {
	leader := p.cluster.leader(x.topic, x.number)
	if leader == noBroker {
		p.seeker.push(x)
		return
	}
	p.sender(leader).push(x)
}

func (p *publisher) all() (routes []*route, parts []*part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rt := range p.routes {
		routes = append(routes, rt)
	}
	for _, x := range p.parts {
		parts = append(parts, x)
	}
	return routes, parts
}

// offline tells that the broker is away: FailFast messages do not wait for it.
func (p *publisher) offline(err error) {
	p.away.Store(&err)
	routes, parts := p.all()
	for _, rt := range routes {
		rt.queue.Offline(err)
	}
	for _, x := range parts {
		x.sweep()
	}
}

// online tells that it is back.
func (p *publisher) online() {
	p.away.Store(nil)
	routes, _ := p.all()
	for _, rt := range routes {
		rt.queue.Online()
	}
}

// Close implements driver.Publisher.
func (p *publisher) Close(ctx context.Context) error {
	p.shut()
	routes, _ := p.all()
	var err error
	for _, rt := range routes {
		if e := rt.queue.Idle(ctx); e != nil && err == nil {
			err = fail("close publisher", "", e)
		}
	}
	if err != nil {
		p.abandon()
	}
	return err
}

// shut refuses new messages.
func (p *publisher) shut() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	routes, _ := p.all()
	for _, rt := range routes {
		rt.queue.Close()
	}
}

// abandon ends the goroutines and gives everything that has no fate one: Unavailable where it was not claimed, Unconfirmed where it was.
func (p *publisher) abandon() {
	p.shut()
	p.stop()
	routes, parts := p.all()
	for _, rt := range routes {
		rt.queue.Fail(driver.ErrClosed)
	}
	for _, x := range parts {
		x.abandon()
	}
}
