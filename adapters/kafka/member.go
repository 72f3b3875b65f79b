package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/syncgroup"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// member speaks the group protocol for a subscription: joins, shows that it lives, joins again when the group rebalances. What it has it
// keeps meanwhile. One goroutine runs it.
type member struct {
	s      *subscription
	topics []string // the topic, and the tiers of the inbox
	conn   *conn
	asked  time.Time             // when the last request was written
	seen   time.Time             // when the group last answered: a session after that others may have taken over
	kick   chan struct{}         // of capacity 1, a flag: join again
	joined chan error            // of capacity 1: the first outcome
	opened bool                  // the first join has succeeded
	latest atomic.Pointer[error] // why the latest try failed

	// Guarded by the subscription's lock.
	id         string
	generation int32
	told       card // what the others were told at the last join
}

func newMember(s *subscription) *member {
	return &member{
		s: s, topics: append([]string{s.spec.Topic}, inboxTopics(s.spec.Topic, s.spec.Group)...), generation: -1,
		kick: make(chan struct{}, 1), joined: make(chan error, 1),
	}
}

func (m *member) run(ctx context.Context) {
	defer func() { m.s.d.cluster.hangUp(m.conn) }()
	pause := backoff.New(retryFirst, retryMost)
	for ctx.Err() == nil {
		err := m.join(ctx)
		if err == nil {
			pause.Reset()
			m.opened = true
			m.report(nil)
			err = m.beat(ctx)
		}
		if err == nil {
			continue // joins again
		}
		m.latest.Store(&err)
		if m.excluded(err) {
			m.expel(err)
			_ = pause.Wait(ctx)
			continue
		}
		if forbidden(err) || !m.opened && denied(err) || is(err, kafkago.InconsistentGroupProtocol, kafkago.InvalidSessionTimeout, kafkago.InvalidGroupId) {
			m.die(err)
			return
		}
		if is(err, kafkago.RebalanceInProgress, kafkago.MemberIDRequired) {
			continue
		}
		m.expire(err)
		_ = pause.Wait(ctx)
	}
}

// reason is why the latest try to be a member failed, or nil.
func (m *member) reason() error {
	if err := m.latest.Load(); err != nil {
		return *err
	}
	return nil
}

// report tells the outcome of the first join.
func (m *member) report(err error) {
	select {
	case m.joined <- err:
	default:
	}
}

// die ends the subscription for good.
func (m *member) die(err error) {
	m.report(err)
	m.s.forsake()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.s.failed = fail("receive", m.s.spec.Topic, err)
	m.s.rouse()
}

// excluded reports whether the group has gone on without this member.
func (m *member) excluded(err error) bool {
	return is(err, kafkago.UnknownMemberId, kafkago.IllegalGeneration, kafkago.FencedInstanceID)
}

// expel gives up everything at once: others may hold it already.
func (m *member) expel(err error) {
	m.s.forsake()
	m.s.mu.Lock()
	if is(err, kafkago.UnknownMemberId) {
		m.id = ""
	}
	m.generation = -1
	m.s.mu.Unlock()
	m.seen = time.Time{}
	m.s.tell(driver.Notice{Kind: driver.Rebalanced, Detail: "lost without warning", Err: err})
}

// expire gives up everything when the group has not been heard of for a session.
func (m *member) expire(err error) {
	if !m.seen.IsZero() && m.left() <= 0 {
		m.expel(fmt.Errorf("session is over: %w", err))
	}
}

// left is what is left of the session.
func (m *member) left() time.Duration { return m.s.d.cfg.Session - time.Since(m.seen) }

// connect makes sure of the member's own connection. It gives up at the end of the session: what is held then is to be given up too.
func (m *member) connect(ctx context.Context) error {
	c := m.s.d.cluster
	if m.conn != nil && !m.conn.dead() {
		return nil
	}
	c.hangUp(m.conn)
	m.conn = nil
	if !m.seen.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, m.left(), errNoAnswer)
		defer cancel()
	}
	id, err := c.coordinator(ctx, m.s.group)
	if err != nil {
		return err
	}
	if m.conn, err = c.dial(ctx, id); err != nil {
		c.moved(m.s.group)
	}
	return err
}

// ask sends a request over the member's own connection: joining may take as long as a rebalance.
func (m *member) ask(ctx context.Context, msg protocol.Message, limit time.Duration) (protocol.Message, error) {
	c := m.s.d.cluster
	if err := m.connect(ctx); err != nil {
		return nil, err
	}
	m.asked = time.Now()
	answer, err := m.conn.callFor(ctx, msg, limit)
	if err != nil {
		if m.conn.dead() {
			c.trouble(err)
		}
		c.moved(m.s.group)
	}
	return answer, err
}

// failed turns an answer's code into an error, and looks for another coordinator where that is the reason. at is when the group showed that it
// has this member: who is not its coordinator shows nothing.
func (m *member) failed(n int16, at time.Time) error {
	err := code(n)
	if m.s.d.cluster.elsewhere(m.s.group, err) {
		m.s.d.cluster.hangUp(m.conn)
		m.conn = nil
	}
	if at.After(m.seen) && !is(err, kafkago.NotCoordinatorForGroup, kafkago.GroupCoordinatorNotAvailable) {
		m.seen = at
	}
	return err
}

// card is what the others are told now.
func (m *member) card() (string, card) {
	s := m.s
	s.mu.Lock()
	defer s.mu.Unlock()
	c := card{Generation: m.generation, Units: make([]int, 0, len(s.units)), Partitions: s.partitions, Types: s.spec.Types}
	for n := range s.units {
		c.Units = append(c.Units, n)
	}
	slices.Sort(c.Units)
	m.told = c
	return m.id, c
}

// join joins the group, as its leader shares out the units, and takes what it is given.
func (m *member) join(ctx context.Context) error {
	select {
	case <-m.kick: // this join covers it
	default:
	}
	s := m.s
	id, c := m.card()
	session := s.d.cfg.Session
	answer, err := m.ask(ctx, &joingroup.Request{
		GroupID: s.group, SessionTimeoutMS: int32(session.Milliseconds()), RebalanceTimeoutMS: int32(session.Milliseconds()), //nolint:gosec // some seconds
		MemberID: id, ProtocolType: protocolType,
		Protocols: []joingroup.RequestProtocol{{Name: protocolName, Metadata: encodeMetadata(m.topics, c)}},
	}, session+s.d.cfg.RequestTimeout)
	if err != nil {
		return err
	}
	res, ok := answer.(*joingroup.Response)
	if !ok {
		return errProtocol
	}
	if res.MemberID != "" && (res.ErrorCode == 0 || is(code(res.ErrorCode), kafkago.MemberIDRequired)) {
		s.mu.Lock()
		m.id = res.MemberID
		s.mu.Unlock()
	}
	if err := m.failed(res.ErrorCode, time.Now()); err != nil { // the group does not drop who waits in a rebalance
		return err
	}
	req := &syncgroup.Request{GroupID: s.group, GenerationID: res.GenerationID, MemberID: res.MemberID}
	if res.LeaderID == res.MemberID {
		req.Assignments = m.lead(res)
	}
	if answer, err = m.ask(ctx, req, session+s.d.cfg.RequestTimeout); err != nil {
		return err
	}
	synced, ok := answer.(*syncgroup.Response)
	if !ok {
		return errProtocol
	}
	if err := m.failed(synced.ErrorCode, m.asked); err != nil {
		return err
	}
	m.apply(res.GenerationID, decodeAssignment(synced.Assignments, s.spec.Topic))
	return nil
}

// lead shares out the units.
func (m *member) lead(res *joingroup.Response) []syncgroup.RequestAssignment {
	var peers []peer
	n := 1
	differ := false
	for _, other := range res.Members {
		c, ok := decodeMetadata(other.Metadata)
		if !ok {
			m.s.tell(driver.Notice{Kind: driver.Mismatch, Detail: "a member of the group is not Herald's: " + other.MemberID})
			continue
		}
		n = max(n, c.Partitions)
		differ = differ || !slices.Equal(c.Types, m.s.spec.Types)
		peers = append(peers, peer{other.MemberID, c})
	}
	if differ {
		m.s.tell(driver.Notice{Kind: driver.Mismatch, Detail: "members of the group have different type filters"})
	}
	given := assign(peers, n)
	all := make([]syncgroup.RequestAssignment, 0, len(res.Members))
	for _, other := range res.Members {
		all = append(all, syncgroup.RequestAssignment{MemberID: other.MemberID, Assignment: encodeAssignment(m.topics, given[other.MemberID])})
	}
	return all
}

// apply takes what the leader has given: what is new is begun, what is missing is brought to its end.
func (m *member) apply(generation int32, given []int) {
	s := m.s
	var ending []*unit
	changed := false
	s.mu.Lock()
	m.generation = generation
	for n, u := range s.units {
		if !slices.Contains(given, n) && !u.ending {
			s.endUnit(u)
			ending = append(ending, u)
			changed = true
		}
	}
	for _, n := range given {
		if s.units[n] == nil {
			s.units[n] = s.newUnit(n)
			changed = true
		}
	}
	s.mu.Unlock()
	for _, u := range ending {
		u.source.End()
	}
	signal(s.keeper.wake)
	signal(s.commitWake)
	if changed {
		s.tell(driver.Notice{Kind: driver.Rebalanced, Detail: fmt.Sprintf("generation %d: partitions %v", generation, given)})
	}
}

// beat shows that the member lives until the group rebalances, or until there is a reason to join again.
func (m *member) beat(ctx context.Context) error {
	ticker := time.NewTicker(m.s.d.cfg.Heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-m.kick:
			return nil
		case <-ticker.C:
		}
		id, generation := m.place()
		limit := min(m.s.d.cfg.RequestTimeout, max(0, m.left()))
		answer, err := m.ask(ctx, &heartbeat.Request{GroupID: m.s.group, GenerationID: generation, MemberID: id}, limit)
		if err != nil {
			if m.expire(err); m.seen.IsZero() {
				return err
			}
			continue // the session outlives a connection
		}
		res, ok := answer.(*heartbeat.Response)
		if !ok {
			return errProtocol
		}
		if err := m.failed(res.ErrorCode, m.asked); err != nil {
			if is(err, kafkago.RebalanceInProgress) {
				return nil
			}
			return err
		}
	}
}

// place returns who the member is in the group now.
func (m *member) place() (id string, generation int32) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.id, m.generation
}

// leave tells the group that others can take over at once. With an ended context it does not wait for the answer.
func (m *member) leave(ctx context.Context) error {
	id, _ := m.place()
	if id == "" {
		return nil
	}
	quick, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.s.d.cfg.Heartbeat)
	defer cancel()
	if ctx.Err() == nil {
		quick = ctx
	}
	c, pause := m.s.d.cluster, backoff.New(retryFirst, retryMost)
	for {
		answer, err := c.askGroup(quick, m.s.group, &leavegroup.Request{GroupID: m.s.group, MemberID: id})
		if err != nil {
			return err
		}
		res, ok := answer.(*leavegroup.Response)
		if !ok {
			return errProtocol
		}
		if err = code(res.ErrorCode); !c.elsewhere(m.s.group, err) {
			return nil // who is no member any more need not leave
		}
		if pause.Wait(quick) != nil {
			return ended(quick, err)
		}
	}
}
