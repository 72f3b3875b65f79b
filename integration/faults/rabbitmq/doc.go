// Package rabbitmq hurts RabbitMQ while Herald works on it.
package rabbitmq
