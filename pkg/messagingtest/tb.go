package messagingtest

import (
	"context"
	"testing"
)

// TB is the part of testing.TB that this package uses, so that other test frameworks fit too. Fatalf must not return.
type TB interface {
	// Helper marks the calling function as one whose lines are not reported.
	Helper()
	// Context returns a context that ends with the test, before its cleanups.
	Context() context.Context
	// Cleanup adds a function to be called when the test is over, the last one first.
	Cleanup(f func())
	// Failed reports whether the test has failed.
	Failed() bool
	// Logf notes something. It must be safe for concurrent use, as Errorf must be.
	Logf(format string, args ...any)
	// Errorf fails the test and goes on.
	Errorf(format string, args ...any)
	// Fatalf fails the test and ends the calling goroutine.
	Fatalf(format string, args ...any)
}

var _ TB = testing.TB(nil)
