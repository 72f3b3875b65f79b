package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/pkg/messaging"
)

type order struct{ Number, Cents int }

var orderPlaced = messaging.Define[order]("order.placed", "1")

func run(ctx context.Context, url string) error {
	enough, done := context.WithCancel(ctx) // ends Run alone: what is published is waited for with ctx
	defer done()
	broker, err := adapters.Open(ctx, url)
	if err != nil {
		return err
	}
	defer broker.Close(context.WithoutCancel(ctx)) // for the early returns; Run closes by itself
	charge := messaging.On(orderPlaced, func(_ context.Context, e messaging.Typed[order]) error {
		fmt.Printf("order %d, %d cents, attempt %d\n", e.Value.Number, e.Value.Cents, e.Attempt)
		if e.Attempt == 1 {
			return errors.New("card reader is busy") // tried again at once, after 100 ms, after 500 ms, then later
		}
		done() // here the program has seen enough; a service waits for its signal
		return nil
	})
	if _, err := broker.Subscribe(ctx, "orders", messaging.Route(charge), messaging.Group("billing")); err != nil {
		return err
	}
	if err := broker.Publish(ctx, "orders", orderPlaced.New(order{Number: 17, Cents: 2933})); err != nil {
		return err
	}
	return broker.Run(enough) // until that ends; then it lets handlers finish, settles and closes
}

func main() {
	if err := run(context.Background(), "memory://"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
