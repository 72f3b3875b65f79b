package adapters_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/herald-go/herald/adapters"
)

func ExampleOpen() {
	ctx := context.Background()
	broker, err := adapters.Open(ctx, "memory://")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close(ctx)
	fmt.Println(broker.Capabilities().Broker, broker.Ready())

	_, err = adapters.Open(ctx, "carrier-pigeon://user:secret@loft")
	fmt.Println(errors.Is(err, adapters.ErrScheme))
	// Output:
	// memory <nil>
	// true
}
