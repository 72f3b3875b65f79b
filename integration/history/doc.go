// Package history records what publishers and handlers did while brokers were hurt, and judges it: nothing lost, nothing that nobody
// published, order kept, and a cause for each duplicate.
package history
