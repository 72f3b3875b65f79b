package jsonschema_test

import (
	"fmt"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/jsonschema"
)

func ExampleCompiler() {
	v, err := jsonschema.Compiler{}.Compile(schema.Schema{
		Format: schema.JSONSchema,
		Text:   []byte(`{"type": "object", "required": ["id"], "properties": {"total": {"type": "number", "minimum": 0}}}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.Validate([]byte(`{"id": "o-1", "total": 12.5}`)))
	fmt.Println(v.Validate([]byte(`{"total": -1}`)))
	// Output:
	// <nil>
	// data does not fit its schema: /: expected the member "id"; /total: expected 0 or more
}
