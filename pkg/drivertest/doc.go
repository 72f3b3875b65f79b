// Package drivertest is the conformance suite for drivers: one test for each sentence of the contract in pkg/driver.
//
// An adapter calls [Run] from a test of its own with a [Harness] that opens connections to a broker. The suite knows nothing of that broker:
// it uses names that nobody else uses, waits for events instead of sleeping, and runs what is safe in parallel. Faults (a broker that is
// away, a cut connection, an answer that gets lost) are injected by functions of the harness; where one is missing, the sentences that need
// it are not run.
//
// What a driver refuses in its Capabilities is not tested for its behaviour, but it is tested to be refused. Nothing is skipped in silence:
// at the end the suite prints a table of features with their level and how many sentences ran, and after it each sentence that did not run,
// with the reason.
//
// The suite is itself tested: package broken holds drivers with one deliberate fault each, and [Check] runs the sentences against them
// without failing a test.
package drivertest
