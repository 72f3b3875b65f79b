package memory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

const modelSeeds = 1000

// TestRandomRunsKeepThePromises drives one group through random runs, one per seed, and holds every step against a model: nothing is lost,
// nothing comes twice without a cause, nothing is in two hands, and keys stay in order.
func TestRandomRunsKeepThePromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(modelSeeds) {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			m := newModel(t, seed)
			for range 200 {
				m.step()
			}
			m.finish()
		})
	}
}

// event is what the model knows of one message.
type event struct {
	id, key    string
	n          int // order of publishing; 0 for the inbox
	due        time.Time
	maybe      bool // unconfirmed
	acked      bool
	deliveries int
	turn       int // of the last delivery, among all
	held       *driver.Message
	by         *modelMember
}

type modelMember struct {
	member
	d    driver.Driver
	acks int
}

type model struct {
	t       *testing.T
	rng     *rand.Rand
	server  *memory.Server
	pub     driver.Driver
	spec    driver.Spec
	faults  bool
	events  map[string]*event
	order   []*event
	hand    []*event
	members []*modelMember
	latest  map[string]int // by key: the last one delivered for the first time
	turns   int
	down    bool
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), events: map[string]*event{}, latest: map[string]int{}, faults: seed%2 == 1,
	}
	cfg := memory.Config{Grace: time.Second, Like: []string{"", memory.LikeRabbitMQ}[m.rng.IntN(2)]}
	if m.faults {
		cfg.Faults = memory.Faults{Seed: seed, Refuse: 0.05, Unconfirmed: 0.05, Duplicate: 0.05, Cut: 0.05, Delay: 50 * time.Millisecond}
	}
	m.server = newServer(t, cfg)
	m.pub = m.server.Connect()
	m.spec = driver.Spec{Topic: "orders", Group: "billing", Window: 1 + m.rng.IntN(20), WindowBytes: 1 << 20, Partitions: 4 * m.rng.IntN(2)}
	m.join()
	return m
}

func (m *model) step() {
	switch n := m.rng.IntN(100); {
	case n < 30:
		m.publish()
	case n < 60:
		m.receive(m.any())
	case n < 80:
		m.settle(driver.Ack)
	case n < 85:
		m.settle(driver.Release)
	case n < 89:
		m.join()
	case n < 92:
		m.leave()
	case n < 94:
		m.any().Stop()
	case n < 96:
		m.server.Cut(m.any().d)
	case n < 98:
		m.flip()
	default:
		time.Sleep(time.Duration(m.rng.IntN(1500)) * time.Millisecond)
	}
}

func (m *model) any() *modelMember { return m.members[m.rng.IntN(len(m.members))] }

func (m *model) join() {
	if len(m.members) == 5 || m.down {
		return
	}
	mm := &modelMember{d: m.server.Connect()}
	s := m.spec
	s.Settled = func(n int) { mm.acks += n }
	mm.member = join(m.t, mm.d, s)
	m.members = append(m.members, mm)
}

// leave closes a member or its whole connection.
func (m *model) leave() {
	if len(m.members) == 1 {
		return
	}
	i := m.rng.IntN(len(m.members))
	mm := m.members[i]
	m.members = append(m.members[:i], m.members[i+1:]...)
	if m.rng.IntN(2) == 0 {
		mm.leave()
		return
	}
	_ = mm.d.Close(m.t.Context())
}

// flip takes the broker away or brings it back.
func (m *model) flip() {
	m.down = !m.down
	if m.down {
		m.server.Disconnect()
		return
	}
	m.server.Reconnect()
}

func (m *model) publish() {
	to := driver.Address{Topic: "orders"}
	inbox := m.rng.IntN(5) == 0
	if inbox {
		to.Group = "billing"
	}
	var msgs []*driver.Message
	for range 1 + m.rng.IntN(6) {
		e := &event{id: fmt.Sprint("e", len(m.order)), key: fmt.Sprint("k", m.rng.IntN(6))}
		msg := message(e.id, e.key)
		if inbox {
			e.due = time.Now().Add(time.Duration(m.rng.IntN(300)) * time.Millisecond)
			msg.NotBefore = e.due
		} else {
			e.n = len(m.order) + 1
		}
		m.order = append(m.order, e)
		m.events[e.id] = e
		msgs = append(msgs, msg)
	}
	if m.down {
		for _, msg := range msgs {
			msg.FailFast = true
		}
	}
	f := send(m.t, m.pub, to, msgs...)
	for i, fate := range f.list(len(msgs)) {
		switch fate {
		case driver.Stored:
		case driver.Unconfirmed:
			m.events[msgs[i].ID].maybe = true
		case driver.Unavailable:
			delete(m.events, msgs[i].ID)
		default:
			m.t.Fatalf("%s is %v: %v", msgs[i].ID, fate, f.reason(i))
		}
	}
}

// receive takes what one member gets, if anything, and returns whether it got something.
func (m *model) receive(mm *modelMember) bool {
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Millisecond)
	defer cancel()
	got, err := mm.Receive(ctx, 1+m.rng.IntN(8), 1<<20)
	if err != nil {
		return false
	}
	for _, msg := range got {
		m.received(mm, msg)
	}
	return true
}

func (m *model) received(mm *modelMember, msg *driver.Message) {
	e := m.events[msg.ID]
	switch {
	case e == nil:
		m.t.Fatalf("%s was refused and comes all the same", msg.ID)
	case e.acked:
		m.t.Fatalf("%s comes again after its ack was taken", e.id)
	case e.held != nil && e.held.Source.State() != driver.Gone:
		m.t.Fatalf("%s comes while it is held", e.id)
	case msg.Deliveries != e.deliveries+1:
		m.t.Fatalf("%s is delivery %d after %d", e.id, msg.Deliveries, e.deliveries)
	case time.Now().Before(e.due):
		m.t.Fatalf("%s comes %v too early", e.id, time.Until(e.due))
	case msg.Inbox != (e.n == 0), string(msg.Body) != e.id, msg.Key != e.key:
		m.t.Fatalf("%s came changed: %+v", e.id, msg)
	}
	m.checkOrder(e, msg)
	e.deliveries++
	if e.held == nil {
		m.hand = append(m.hand, e)
	}
	m.turns++
	e.held, e.by, e.turn = msg, mm, m.turns
}

// checkOrder holds a delivery against the key's order: first deliveries follow publishing; and with partitions and without faults, whatever
// was published before is finished, or in the same hand.
func (m *model) checkOrder(e *event, msg *driver.Message) {
	if e.n == 0 {
		return
	}
	if e.deliveries == 0 {
		if e.n < m.latest[e.key] {
			m.t.Fatalf("%s comes for the first time after a later one of its key", e.id)
		}
		m.latest[e.key] = e.n
	}
	if m.spec.Partitions == 0 || m.faults {
		return
	}
	for _, before := range m.order[:e.n-1] {
		if before.key != e.key || before.n == 0 || before.acked || m.events[before.id] == nil {
			continue
		}
		if before.held == nil || before.held.Source != msg.Source {
			m.t.Fatalf("%s comes while %s of its key is unfinished and not in the same hand", e.id, before.id)
		}
	}
}

func (m *model) settle(v driver.Verdict) {
	if len(m.hand) > 0 {
		m.settleOne(m.rng.IntN(len(m.hand)), v)
	}
}

// settleOne gives the outcome of one message in hand. The driver's own count tells whether the ack was taken.
func (m *model) settleOne(i int, v driver.Verdict) {
	e := m.hand[i]
	gone := e.held.Source.State() == driver.Gone
	before := e.by.acks
	source := e.held.Source
	e.by.settle(v, e.held)
	taken := e.by.acks - before
	switch {
	case taken > 1, taken == 1 && (gone || v == driver.Release):
		m.t.Fatalf("the outcome of %s is taken %d times; its source was gone: %v", e.id, taken, gone)
	case taken == 0 && source.State() != driver.Gone && v == driver.Ack && !m.faults: // the grace may have ended with this call
		m.t.Fatalf("the ack of %s is not taken", e.id)
	}
	e.acked = e.acked || taken == 1
	m.drop(e)
	if v == driver.Release && m.spec.Partitions > 0 && !gone {
		m.dropLater(source, e)
	}
}

func (m *model) drop(e *event) {
	e.held, e.by = nil, nil
	for i := range m.hand {
		if m.hand[i] == e {
			m.hand = append(m.hand[:i], m.hand[i+1:]...)
			return
		}
	}
}

// dropLater lets go of what a release took with it: all that was delivered later from the same source. Outcomes for it are no-ops.
func (m *model) dropLater(source *driver.Source, e *event) {
	for _, later := range append([]*event(nil), m.hand...) {
		if later.held.Source != source || later.turn < e.turn {
			continue
		}
		before := later.by.acks
		later.by.settle(driver.Ack, later.held)
		if later.by.acks > before {
			m.t.Fatalf("the ack of %s is taken after the release of %s", later.id, e.id)
		}
		m.drop(later)
	}
}

// finish heals everything, drains the group through one member and demands that nothing is missing.
func (m *model) finish() {
	if m.down {
		m.flip()
	}
	for _, mm := range m.members {
		mm.leave()
	}
	m.members, m.hand = nil, nil
	for _, e := range m.events {
		if e.held != nil {
			e.held, e.by = nil, nil
		}
	}
	m.join()
	idle := 0
	for idle < 3 {
		if m.receive(m.members[0]) {
			idle = 0
		} else {
			idle++
			time.Sleep(200 * time.Millisecond) // what is delayed comes now
		}
		for len(m.hand) > 0 {
			m.settleOne(0, driver.Ack)
		}
	}
	for _, e := range m.order {
		if stored := m.events[e.id] != nil && !e.maybe; stored && !e.acked {
			m.t.Fatalf("%s is lost after %d deliveries", e.id, e.deliveries)
		}
	}
	lagger, _ := m.pub.(driver.Lagger)
	lag, err := lagger.Lag(m.t.Context(), "orders", "billing")
	if err != nil || lag != (driver.Lag{}) {
		m.t.Fatalf("lag at the end: %+v, %v", lag, err)
	}
}
