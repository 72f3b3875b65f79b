package messaging_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// A handler asks for one version and gets it, whatever version was published.
func ExampleUpcast() {
	type Old struct{ Name string }
	type New struct{ First, Last string }
	old, renewed := messaging.Define[Old]("customer.joined", "1"), messaging.Define[New]("customer.joined", "2")

	welcome := messaging.On(renewed, func(_ context.Context, e messaging.Typed[New]) error {
		fmt.Println("welcome,", e.Value.First)
		return nil
	})
	split := messaging.Upcast(old, renewed, func(o Old) (New, error) {
		first, last, _ := strings.Cut(o.Name, " ")
		return New{first, last}, nil
	})
	router := messaging.Route(welcome, split)
	for _, e := range []envelope.Event{old.New(Old{Name: "Ada Lovelace"}), renewed.New(New{First: "Alan", Last: "Turing"})} {
		if err := router.Handle(context.Background(), &messaging.Delivery{Event: e}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// welcome, Ada
	// welcome, Alan
}
