package protobuf_test

import (
	"fmt"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/protobuf"
)

func ExampleCompiler() {
	v, err := protobuf.Compiler{}.Compile(schema.Schema{
		Format: schema.Protobuf, Text: []byte(`syntax = "proto3"; message Payment { string order = 1; int64 amount = 2; }`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.Validate([]byte("\x0a\x03o-1\x10\x05")))
	fmt.Println(v.Validate([]byte("\x08\x01")))
	// Output:
	// <nil>
	// data does not fit its schema: /order: expected string, wire type LEN, got VARINT
}
