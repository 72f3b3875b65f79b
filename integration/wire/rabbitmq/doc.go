// Package rabbitmq exchanges messages between Herald and other clients of RabbitMQ: a plain amqp091-go program, Node's amqplib, Python's pika.
package rabbitmq
