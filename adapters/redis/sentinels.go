package redis

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

var errNoPrimary = errors.New("no sentinel names a primary")

// sentinels are asked for the primary whenever a connection is made. The client library has a client that follows them on its own: it prints what it
// does, and it does not say when.
type sentinels struct {
	cfg Config

	mu    sync.Mutex
	first int // the one that answered last
}

// primary returns the address of the primary by the first sentinel that names one.
func (s *sentinels) primary(ctx context.Context) (string, error) {
	s.mu.Lock()
	first := s.first
	s.mu.Unlock()
	reason := errNoPrimary
	for i := range s.cfg.Addresses {
		at := (first + i) % len(s.cfg.Addresses)
		address, err := s.ask(ctx, s.cfg.Addresses[at])
		if err == nil {
			s.mu.Lock()
			s.first = at
			s.mu.Unlock()
			return address, nil
		}
		if ctx.Err() != nil {
			return "", because(context.Cause(ctx), err)
		}
		reason = because(errNoPrimary, err)
	}
	return "", reason
}

// ask asks one sentinel, for a part of the time that there is for all.
func (s *sentinels) ask(ctx context.Context, address string) (string, error) {
	within := s.cfg.Timeout / time.Duration(len(s.cfg.Addresses)+1)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	w := newWires(s.cfg)
	c := goredis.NewSentinelClient(&goredis.Options{
		Addr: address, Dialer: w.Dial, Protocol: 2, Username: s.cfg.SentinelUsername, Password: s.cfg.SentinelPassword,
		MaxRetries: -1, DialTimeout: within, DialerRetries: 1, ReadTimeout: within, WriteTimeout: within,
		ContextTimeoutEnabled: true, PoolSize: 1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer func() { _ = c.Close() }() // nothing is lost with it
	place, err := c.GetMasterAddrByName(ctx, s.cfg.Master).Result()
	if err != nil {
		return "", err
	}
	if len(place) != 2 {
		return "", errNoPrimary
	}
	return net.JoinHostPort(place[0], place[1]), nil
}
