package memory

import (
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

// Disconnect cuts every connection, until Reconnect: publishing waits or fails fast, every source is lost and what was held from it comes
// again, broadcasts are told what they miss, and each driver and subscription gets the notice Disconnected. It does nothing when already
// disconnected.
func (s *Server) Disconnect() {
	s.mu.Lock()
	if s.down {
		s.mu.Unlock()
		return
	}
	s.down = true
	s.healed = make(chan struct{})
	conns := slices.Clone(s.conns)
	var after []func()
	for _, t := range s.sorted() {
		t.mu.Lock()
		t.disconnect()
		after = append(after, t.takeAfter()...)
		t.mu.Unlock()
	}
	s.mu.Unlock()
	run(after)
	for _, c := range conns {
		c.tell()
	}
}

// Reconnect heals what Disconnect cut: waiting messages are stored in their order, and each driver and subscription gets the notice
// Connected. It does nothing when connected.
func (s *Server) Reconnect() {
	s.mu.Lock()
	if !s.down {
		s.mu.Unlock()
		return
	}
	s.down = false
	close(s.healed)
	conns := slices.Clone(s.conns)
	var after []func()
	topics := s.sorted()
	for _, t := range topics {
		t.mu.Lock()
		t.reconnect()
		after = append(after, t.takeAfter()...)
		t.mu.Unlock()
	}
	for _, c := range conns {
		after = append(after, c.pub.flush()...)
	}
	s.mu.Unlock()
	run(after)
	for _, c := range conns {
		c.tell()
	}
}

// Cut breaks the connection of one driver of this server, which is connected again at once: all that its subscriptions hold comes again, from
// new sources, its broadcasts are told what they miss, and it gets the notices Disconnected and Connected. A driver of another server is
// left alone.
func (s *Server) Cut(d driver.Driver) {
	c, ok := d.(*conn)
	if !ok || c.server != s {
		return
	}
	c.mu.Lock()
	subs := slices.Clone(c.subs)
	c.mu.Unlock()
	for _, m := range subs {
		t := m.group.topic
		t.lock()
		if !m.closed && !t.down {
			m.tell(driver.Notice{Kind: driver.Disconnected, Topic: t.name, Group: m.group.name, Err: driver.ErrDisconnected})
			m.group.cut(m)
			m.tell(driver.Notice{Kind: driver.Connected, Topic: t.name, Group: m.group.name})
		}
		t.unlock()
	}
	c.blink()
}

// Refuse makes the topic refuse, or take again, what is published to it or to its groups' inboxes: the fate is Unavailable and nothing is
// stored.
func (s *Server) Refuse(name string, on bool) {
	s.set(name, func(t *topic) { t.refuses = on })
}

// Unanswered makes the topic store what is published to it or to its groups' inboxes while the fate is Unconfirmed, or answer again.
func (s *Server) Unanswered(name string, on bool) {
	s.set(name, func(t *topic) { t.mute = on })
}

// set changes a topic, which is made if need be.
func (s *Server) set(name string, change func(*topic)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.create(name, !driver.ValidName(name))
	t.mu.Lock()
	defer t.mu.Unlock()
	change(t)
}
