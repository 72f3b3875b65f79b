// Package kafka hurts Kafka while Herald works on it.
package kafka
