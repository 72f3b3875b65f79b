package compat_test

import (
	"context"
	"fmt"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

func ExampleCheck() {
	version := func(number, text string) compat.Version {
		return compat.Version{
			Ref:    schema.Ref{Type: "order.placed", Version: number},
			Schema: schema.Schema{Format: schema.JSONSchema, Text: []byte(text)},
		}
	}
	first := version("1", `{"type":"object","properties":{"id":{"type":"string"}},"required":["id"],"additionalProperties":false}`)
	second := version("2", `{"type":"object","properties":{"id":{"type":"string"},"total":{"type":"number"}},"required":["id","total"],"additionalProperties":false}`)

	findings, err := compat.Check(context.Background(), []compat.Version{first}, second, compat.Config{Mode: compat.Backward})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range findings {
		fmt.Println(f.Path, f.Rule)
		fmt.Println(f.Message)
	}
	// Output:
	// /properties/total json-required-added
	// `total` became required: events of version 1 lack it
}
