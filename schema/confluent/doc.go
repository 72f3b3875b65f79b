// Package confluent asks a registry that speaks the Confluent Schema Registry's HTTP API, version 1, and reads and writes the frame that its
// serializers put before the data.
//
// A [Client] is a registry, a lister and a framing for package schema. Event types are subjects and event versions the subjects' versions,
// unless the configuration names subjects otherwise. What the registry has answered does not change and is kept; concurrent questions for the
// same are asked once; every question is bounded in time, in tries and in size. Errors hold no user, password or token.
package confluent
