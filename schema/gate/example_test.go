package gate_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gate"
)

func ExampleCheck() {
	folder, err := schema.Folder(fstest.MapFS{
		"order.placed/1.json": {Data: []byte(`{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}`)},
		"order.placed/2.json": {Data: []byte(`{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	set, err := gate.Load(ctx, folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := gate.Check(ctx, set, nil, nil, gate.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range report.Problems {
		fmt.Println(p)
	}
	// Output:
	// order.placed/2.json: /properties/id/type: `id` changed from string to integer: events of version 1 may hold "text" (json-type-narrowed, backward)
}
