package memory_test

import (
	"context"
	"fmt"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
)

// One server, two services: what one publishes the other receives.
func Example() {
	ctx := context.Background()
	server, err := memory.NewServer(memory.Config{Like: memory.LikeRabbitMQ})
	if err != nil {
		fmt.Println(err)
		return
	}
	shop, billing := server.Connect(), server.Connect()
	defer func() { _ = shop.Close(ctx) }()
	defer func() { _ = billing.Close(ctx) }()

	sub, err := billing.Subscribe(ctx, driver.Spec{Topic: "orders", Group: "billing", Window: 10, WindowBytes: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	order := &driver.Message{ID: "1", Type: "order.placed", Body: []byte("two apples")}
	shop.Publisher().Send(ctx, driver.Address{Topic: "orders"}, []*driver.Message{order}, printed{})

	msgs, err := sub.Receive(ctx, 10, 1<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %s\n", msgs[0].Type, msgs[0].Body)
	sub.Settle([]driver.Outcome{{Message: msgs[0], Verdict: driver.Ack}})
	// Output:
	// stored
	// order.placed: two apples
}

// printed prints the fates of what is sent.
type printed struct{}

// Done implements driver.Result.
func (printed) Done(_ int, fate driver.Fate, _ error) { fmt.Println(fate) }
