// Package wire exchanges messages between Herald, with the codecs of contrib/watermill, and watermill-amqp, watermill-kafka and
// watermill-redisstream as they are, both ways on each broker.
package wire
