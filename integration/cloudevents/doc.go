// Package cloudevents holds Herald's CloudEvents forms against the official
// SDK, github.com/cloudevents/sdk-go/v2, and its binding for Kafka: what one
// writes the other reads. It has tests only.
package cloudevents
