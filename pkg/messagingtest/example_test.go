package messagingtest_test

import (
	"context"
	"fmt"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/messagingtest"
)

// scene stands for the *testing.T of a test: examples have none.
type scene struct{ cleanups []func() }

func (s *scene) Helper()                  {}
func (s *scene) Context() context.Context { return context.Background() }
func (s *scene) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }
func (s *scene) Failed() bool             { return false }
func (s *scene) Logf(string, ...any)      {}

func (s *scene) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (s *scene) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (s *scene) end() {
	for _, f := range s.cleanups {
		f()
	}
}

func ExampleHandle() {
	t := &scene{} // in a test: its t
	p := messagingtest.NewPublisher(t)
	h := messaging.Route(charge(p))

	err := messagingtest.Handle(t, h, OrderPlaced.New(Order{ID: "o-1", Cents: 250}))
	fmt.Println(messaging.VerdictOf(err), messagingtest.Published(p, "payments", PaymentTaken))

	err = messagingtest.Handle(t, h, OrderPlaced.New(Order{ID: "free"}))
	fmt.Println(messaging.VerdictOf(err), err)
	// Output:
	// done [{o-1}]
	// permanent card declined
}

func ExamplePublisher_FailNext() {
	t := &scene{}
	p := messagingtest.NewPublisher(t)
	p.FailNext(messaging.ErrUnavailable)
	err := messagingtest.Handle(t, messaging.Route(charge(p)), OrderPlaced.New(Order{ID: "o-1", Cents: 250}))
	fmt.Println(messaging.VerdictOf(err), err)
	// Output: retry publish payments: unavailable, not stored
}

func ExampleNew() {
	t := &scene{}
	defer t.end()
	b := messagingtest.New(t)
	b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
	b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1", Cents: 250}))
	b.MustPublish("orders", OrderPlaced.New(Order{ID: "free"}))
	b.Idle()
	fmt.Println("paid:", messagingtest.Published(b, "payments", PaymentTaken))
	fmt.Printf("dead: %+v\n", messagingtest.Dead(b, "orders", "billing", OrderPlaced))
	// Output:
	// paid: [{o-1}]
	// dead: [{Value:{ID:free Cents:0} Reason:permanent Attempts:1 Error:card declined}]
}

// What a test does not look at fails it.
func ExampleBroker_Dead() {
	t := &scene{}
	defer t.end()
	b := messagingtest.New(t)
	b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
	free := OrderPlaced.New(Order{ID: "free"})
	free.ID = "event-1"
	b.MustPublish("orders", free)
	b.Idle()
	// Output: messagingtest: unexpected dead letter: event event-1 of orders/billing: permanent after 1 attempts: card declined
}
