package rabbitmq_test

import (
	"context"
	"fmt"

	"github.com/herald-go/herald/adapters/rabbitmq"
)

// A URL names hosts, virtual host and what differs from the defaults.
func ExampleParseURL() {
	cfg, err := rabbitmq.ParseURL("amqp://shop:secret@one,two:5673/eu?queue=classic&heartbeat=5s")
	fmt.Println(cfg.Addresses, cfg.VHost, cfg.Queue, cfg.Heartbeat, err)
	_, err = rabbitmq.ParseURL("amqp://shop:secret@one/eu?queue=lazy")
	fmt.Println(err)
	// Output:
	// [one:5672 two:5673] eu classic 5s <nil>
	// rabbitmq: queue is "lazy", want one of: quorum classic
}

// What can't be is told before anything is dialed, and never with the password.
func ExampleOpen() {
	_, err := rabbitmq.Open(context.Background(), "amqp://shop:secret@one:port:5672/")
	fmt.Println(err)
	// Output:
	// rabbitmq: an address is not host:port
}
