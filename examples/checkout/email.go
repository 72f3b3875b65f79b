package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

var errMailServer = errors.New("mail server: 421 service not available")

// mailServer stands for somebody else's server, which is away for a while in the middle of the day.
type mailServer struct {
	downAfter int           // how many mails it takes before it goes away
	outage    time.Duration // how long it is away; 0 is not at all
	told      func(away bool)

	mu     sync.Mutex
	sent   int
	until  time.Time // when it is back; zero before it was away
	isBack bool
}

func newMailServer(downAfter int, outage time.Duration, told func(away bool)) *mailServer {
	return &mailServer{downAfter: downAfter, outage: outage, told: told, isBack: outage == 0}
}

// send takes one mail. A real handler passes the event's id on, as the mail's Message-ID, so that a mail sent twice shows once.
func (s *mailServer) send() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isBack || s.sent < s.downAfter {
		s.sent++
		return nil
	}
	now := time.Now()
	if s.until.IsZero() {
		s.until = now.Add(s.outage)
		s.told(true)
	}
	if now.Before(s.until) {
		return errMailServer
	}
	s.isBack = true
	s.told(false)
	s.sent++
	return nil
}

// away reports whether the server is away.
func (s *mailServer) away() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.until.IsZero() && time.Now().Before(s.until)
}

// wait waits until the server is back, where it has gone away at all.
func (s *mailServer) wait(ctx context.Context) error {
	s.mu.Lock()
	left := time.Until(s.until)
	s.mu.Unlock()
	if left <= 0 {
		return nil
	}
	return pause(ctx, left)
}

// email confirms each order by mail. It says nothing of the outage: an error from the handler is enough, and the subscription's retry policy
// does the rest. Mails need no order, so an order that waits for a later try is overtaken by the next ones.
type email struct {
	server *mailServer
	book   *book
}

func (m *email) routes(bind func(orderHandler) messaging.Binding) messaging.Handler {
	return messaging.Route(bind(m.confirm))
}

func (m *email) confirm(_ context.Context, e messaging.Typed[Order]) error {
	if m.book.knows(e.Delivery) {
		return nil
	}
	if err := m.server.send(); err != nil {
		return err
	}
	m.book.enter(e.Delivery, func() {})
	return nil
}
