package redis

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

var (
	errNoPrimary    = errors.New("no sentinel names a primary")
	errOtherPrimary = errors.New("another server has become the primary")
)

// primaryEvery is how often the sentinels are asked for the primary, beside what they tell of their own accord.
const primaryEvery = time.Second

// sentinels say which server is the primary: whenever a connection is made, and while there are any. A primary that was replaced on an order
// goes on to answer and to take writes until the sentinels get to it, some ten seconds later, and forgets all of that then. So all
// connections of a driver go to one server: as soon as another one is named, those to the old one are cut. The client library has a client
// that follows sentinels on its own: it prints what it does, and it does not say when.
type sentinels struct {
	cfg    Config
	asking chan struct{} // one slot: one asks at a time, so that an old answer never comes after a newer one

	mu      sync.Mutex
	first   int    // the one that answered last
	address string // of the primary, as of the last answer
	clients map[*wires]struct{}
}

func newSentinels(cfg Config) *sentinels {
	return &sentinels{cfg: cfg, asking: make(chan struct{}, 1), clients: make(map[*wires]struct{})}
}

// primary returns the address of the primary by the first sentinel that names one.
func (s *sentinels) primary(ctx context.Context) (string, error) {
	done, err := s.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	first, reason := s.latest(), errNoPrimary
	for i := range s.cfg.Addresses {
		at := (first + i) % len(s.cfg.Addresses)
		address, err := s.ask(ctx, s.cfg.Addresses[at])
		if err == nil {
			s.named(address, at)
			return address, nil
		}
		if ctx.Err() != nil {
			return "", because(context.Cause(ctx), err)
		}
		reason = because(errNoPrimary, err)
	}
	return "", reason
}

// turn waits for the right to ask; done gives it back.
func (s *sentinels) turn(ctx context.Context) (done func(), err error) {
	select {
	case s.asking <- struct{}{}:
		return func() { <-s.asking }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *sentinels) latest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// named notes which server is the primary, by which sentinel, and cuts what goes elsewhere.
func (s *sentinels) named(address string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = by
	if s.address == address {
		return
	}
	s.address = address
	for w := range s.clients {
		w.keepOnly(address)
	}
}

// admit adds the connections of a client to those that go to the primary alone.
func (s *sentinels) admit(w *wires) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[w] = struct{}{}
}

// dismiss forgets a client that is closed.
func (s *sentinels) dismiss(w *wires) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, w)
}

// stands reports whether the server is still the primary, as far as is known.
func (s *sentinels) stands(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address == address
}

// dial prepares a connection to one sentinel, on which an answer may take so long.
func (s *sentinels) dial(address string, within time.Duration) (*goredis.SentinelClient, *wires) {
	w := newWires(s.cfg)
	return goredis.NewSentinelClient(&goredis.Options{
		Addr: address, Dialer: w.Dial, Protocol: 2, Username: s.cfg.SentinelUsername, Password: s.cfg.SentinelPassword,
		MaxRetries: -1, DialTimeout: within, DialerRetries: 1, ReadTimeout: within, WriteTimeout: within,
		ContextTimeoutEnabled: true, PoolSize: 1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}), w
}

// ask asks one sentinel, for a part of the time that there is for all.
func (s *sentinels) ask(ctx context.Context, address string) (string, error) {
	within := s.cfg.Timeout / time.Duration(len(s.cfg.Addresses)+1)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	c, _ := s.dial(address, within)
	defer func() { _ = c.Close() }() // nothing is lost with it
	return s.question(ctx, c)
}

func (s *sentinels) question(ctx context.Context, c *goredis.SentinelClient) (string, error) {
	place, err := c.GetMasterAddrByName(ctx, s.cfg.Master).Result()
	if err != nil {
		return "", err
	}
	if len(place) != 2 {
		return "", errNoPrimary
	}
	return net.JoinHostPort(place[0], place[1]), nil
}

// follow keeps the connections with the primary until ctx ends.
func (s *sentinels) follow(ctx context.Context) {
	wait := backoff.New(redialFirst, redialMost)
	for ctx.Err() == nil {
		if _, err := s.primary(ctx); err == nil {
			wait.Reset()
			s.listen(ctx)
		}
		_ = wait.Wait(ctx) // the loop looks at ctx
	}
}

// listen hears one sentinel's messages until there is trouble with it. Each message, and each silence of a while, is a reason to ask: a
// promotion is told before the other replicas are moved, and the new address is named from then on.
func (s *sentinels) listen(ctx context.Context) {
	at := s.latest()
	c, w := s.dial(s.cfg.Addresses[at], s.cfg.Timeout)
	defer context.AfterFunc(ctx, w.cut)()
	defer func() { _ = c.Close() }() // nothing is lost with it
	channel := c.Subscribe(ctx, "+promoted-slave", "+switch-master")
	defer func() { _ = channel.Close() }() // the same
	for ctx.Err() == nil {
		_, err := channel.ReceiveTimeout(ctx, primaryEvery)
		var timeout net.Error
		if err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
			return
		}
		if s.again(ctx, c, at) != nil {
			return
		}
	}
}

// again asks a sentinel that listen has a connection to.
func (s *sentinels) again(ctx context.Context, c *goredis.SentinelClient, at int) error {
	done, err := s.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	address, err := s.question(ctx, c)
	if err == nil {
		s.named(address, at)
	}
	return err
}
