// Package messagingtest tests handlers without a broker to set up.
//
// Handle calls a handler once, with a delivery and a context like those of a broker, and NewPublisher makes a publisher that records and
// fails on demand:
//
//	p := messagingtest.NewPublisher(t)
//	err := messagingtest.Handle(t, messaging.Route(charge(p)), OrderPlaced.New(Order{ID: "o-1"}))
//	paid := messagingtest.Published(p, "payments", PaymentTaken)
//
// Run gives a test a whole broker in memory, in a bubble of testing/synctest: retries, dead letters and key order are real, time is virtual,
// and eleven minutes of retries pass in a millisecond:
//
//	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
//		b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
//		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1"}))
//		b.Idle()
//		paid := messagingtest.Published(b, "payments", PaymentTaken)
//	})
//
// Seeds runs such a test under injected faults, one seed after the other.
//
// # What fails a test by itself
//
//   - an event that MustPublish can't get stored, and a topic that nothing is subscribed to;
//   - Idle, when something is not handled within its bound;
//   - a dead letter that the test has not looked at (Dead, ExpectDead);
//   - a handler that still runs when the broker is closed;
//   - in a bubble, a goroutine that is left over.
//
// # Time
//
// New and Idle find out by themselves whether they are in a bubble. In one, Idle lets the clock jump from one thing that is due to the next.
// Outside, time is real: Idle waits for what is due within five seconds and fails at once when the rest is due later.
//
// # Ids
//
// Delivery is at least once, so what is published or handled again under the same id is recorded once: compare records with what you expect,
// with faults and without.
package messagingtest
