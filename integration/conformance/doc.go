// Package conformance runs the drivers' contract, package drivertest, over the adapters' real brokers, with a network of faults between. A
// broker that is the run's shared one is never hurt: what is taken away is its network.
package conformance
