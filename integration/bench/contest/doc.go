// Package contest measures programs that do the same work on the same broker.
//
// A Contest is a broker, a work and its parameters. A Contestant is one client, or one way to use it. Run lets the contestants of a contest
// take turns over several rounds, each in a process of its own, after a round that only finds out how much each can do. Perform is what such a
// process does: it opens the contestant, does the work and measures it.
package contest
