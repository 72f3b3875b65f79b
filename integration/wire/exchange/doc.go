// Package exchange holds what the exchanges with foreign clients have in common: the events, and how both ways are tested.
//
// What a foreign client reads of what Herald wrote is compared with a golden file; what is in the golden file the foreign client then writes,
// and Herald must read from it the events that it began with. So each golden file is the wire form, seen from outside.
package exchange
