// Package broken holds drivers that are broken on purpose, each in one way, to test the conformance suite of package drivertest: a suite that
// does not catch them proves nothing about a driver that passes it.
//
// Each [Fault] wraps a good driver. [Honest] is the same wrapper with no fault, and passes.
package broken
