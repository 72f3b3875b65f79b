// Package kafka exchanges records between Herald and other clients of Kafka: a plain kafka-go program, Node's kafkajs, and Kafka's own tools.
package kafka
