// Package matrix holds the faults that every broker has in common, one test each: the broker is restarted, killed, cut off and slowed down
// while publishers and members work on it. What only one broker knows stands in the package of that broker, beside this one.
//
// In each row nothing that was acked may be lost, nothing may come that was not published, each key's events begin in their order, every
// duplicate has a cause, traffic flows again soon, and no goroutine and no connection is left behind.
package matrix
