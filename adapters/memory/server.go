package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Server plays the broker: it holds topics, groups and inboxes for any number of drivers, which stand for services or processes. It is safe
// for concurrent use, has no goroutine and needs no Close: when nobody refers to it, it is gone with all that it held.
//
// Time passes when somebody looks: a delayed message joins its topic, retention trims and a grace ends at the next call that touches the
// topic, and a waiting Receive wakes for what is due.
type Server struct {
	cfg Config

	// mu guards what follows. Publishing and joining hold it for reading, so that connecting and disconnecting meet nobody halfway.
	// It is taken before a topic's lock, never after.
	mu     sync.RWMutex
	topics map[string]*topic
	conns  []*conn
	healed chan struct{} // closed while connected
	down   bool
}

// NewServer returns a running server. It fails when cfg is not valid.
func NewServer(cfg Config) (*Server, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg.withDefaults(), topics: make(map[string]*topic), healed: make(chan struct{})}
	close(s.healed)
	return s, nil
}

// Connect returns a driver of its own for the server, which stands for one more service. Closing it leaves the server's data alone.
// The driver also implements driver.Notifier, History, Lagger, Topology and Groups.
func (s *Server) Connect() driver.Driver {
	c := &conn{server: s}
	c.pub.conn = c
	c.pub.room = make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, c)
	return c
}

// create returns the topic, made if need be. plain says that it is a log without groups. s.mu is held for writing.
func (s *Server) create(name string, plain bool) *topic {
	if t := s.topics[name]; t != nil {
		return t
	}
	t := newTopic(s.cfg, name, plain)
	t.down = s.down
	s.topics[name] = t
	return t
}

// sorted returns the topics by name, so that whatever happens to all happens in the same order each time. s.mu is held.
func (s *Server) sorted() []*topic {
	topics := make([]*topic, 0, len(s.topics))
	for _, t := range s.topics {
		topics = append(topics, t)
	}
	slices.SortFunc(topics, func(a, b *topic) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return topics
}

// await returns once the server is connected, holding mu for reading, or with the cause of ctx's end.
func (s *Server) await(ctx context.Context, c *conn) error {
	for {
		s.mu.RLock()
		switch {
		case c.closed:
			s.mu.RUnlock()
			return driver.ErrClosed
		case !s.down:
			return nil
		}
		healed, gone := s.healed, c.goneChan()
		s.mu.RUnlock()
		select {
		case <-healed:
		case <-gone:
		case <-ctx.Done():
			return because(driver.ErrDisconnected, context.Cause(ctx))
		}
	}
}

func run(after []func()) {
	for _, f := range after {
		f()
	}
}

func now() int64 { return time.Now().UnixNano() }
