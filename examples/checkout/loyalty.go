package main

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// account is a customer's in the loyalty programme.
type account struct {
	Points Cents // one for each whole dollar
	last   int   // the highest order number so far
	open   bool
}

// loyalty gives points. Each event has its customer as the key, so a customer's events come one at a time, in the order in which they were
// published, although many handlers run side by side: the account is open before its first points, and order numbers only rise.
type loyalty struct {
	book   *book
	opened *book
	twice  bool // -break twice

	// What book's lock guards.
	accounts map[string]*account
	late     int   // orders from the dead letters, which stand outside the order
	disorder []int // orders that came when they should not
}

func newLoyalty(twice bool) *loyalty {
	return &loyalty{book: newBook(), opened: newBook(), twice: twice, accounts: make(map[string]*account)}
}

func (l *loyalty) routes(bind func(orderHandler) messaging.Binding) messaging.Handler {
	return messaging.Route(messaging.On(CustomerJoined, l.join), bind(l.reward))
}

func (l *loyalty) join(_ context.Context, e messaging.Typed[Customer]) error {
	l.opened.enter(e.Delivery, func() {
		l.book.mu.Lock()
		defer l.book.mu.Unlock()
		l.account(e.Value.ID).open = true
	})
	return nil
}

func (l *loyalty) reward(_ context.Context, e messaging.Typed[Order]) error {
	if l.twice && l.book.knows(e.Delivery) { // the broken handler: it doesn't care that it has seen the event
		l.book.again(e.Delivery, func() { l.account(e.Value.Customer).Points += e.Value.Amount / 100 })
		return nil
	}
	l.book.enter(e.Delivery, func() {
		a := l.account(e.Value.Customer)
		a.Points += e.Value.Amount / 100
		l.inOrder(a, e)
	})
	return nil
}

// inOrder checks the order of a customer's events. What comes back from the dead letters comes when somebody sends it back, and the
// customer's later orders have not waited for it: that is what the dead letters are for. Points don't mind.
func (l *loyalty) inOrder(a *account, e messaging.Typed[Order]) {
	switch {
	case e.Redrive != "":
		l.late++
	case !a.open || e.Value.Number <= a.last:
		l.disorder = append(l.disorder, e.Value.Number)
	default:
		a.last = e.Value.Number
	}
}

// account returns the customer's; book.mu is held.
func (l *loyalty) account(customer string) *account {
	a, ok := l.accounts[customer]
	if !ok {
		a = &account{}
		l.accounts[customer] = a
	}
	return a
}
