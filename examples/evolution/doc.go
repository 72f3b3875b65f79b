// Command evolution runs two releases of each service side by side while the data of one event type changes twice, and counts that nothing is
// lost. A third change is stopped by the gate.
//
//	go run ./examples/evolution
//
// The schemas are in schemas/order.placed: 1.json, 2.json and 3.json. events.go has their Go types, as `herald schema generate` writes them
// (run go generate after a change). The broker holds every publisher and handler to them.
//
// How to read the output:
//
//   - Version 1 to 2 adds an optional field. The gate finds it compatible in both directions, so the releases may be started in any order: the
//     old billing, which is bound to the type and not to a version, reads the new events too.
//   - Version 2 to 3 makes a new field required. The gate says so, with the place, the rule and what breaks. Billing 3 has an upcaster, which
//     says what the currency of the old events was; with it the change is let pass by the name of its rule. Handlers are upgraded before
//     publishers. The ledger stays at version 2 and has a downcaster.
//   - Version 3 to 4 (proposed/order.placed/4.json) changes a type. Nobody has an upcaster for it, so the gate stops it.
//
// The last line adds up what was published and handled. Where they differ, or anything became a dead letter, or the gate let the third change
// pass, the exit status is 1.
package main

//go:generate go run ../../cmd/herald schema generate --to-go events.go --package main --define schemas
