// Package load keeps publishers and handlers busy on a broker while a test hurts it, and records what they did.
//
//	l := load.Start(t, load.Config{Open: open, Topic: topic})
//	l.Await(1000)                                  // traffic flows
//	l.Hurt(func() { … })                           // a fault
//	l.Recover(5 * time.Second)                     // traffic flows again
//	report := l.Finish()                           // drains, closes, judges: t fails on any violation
package load
