package schema_test

import (
	"context"
	"errors"
	"fmt"
	"testing/fstest"

	"github.com/herald-go/herald/schema"
)

func ExampleFolder() {
	registry, err := schema.Folder(fstest.MapFS{ // os.DirFS("schemas"), or an embed.FS
		"order.placed/1.json": {Data: []byte(`{"type": "object"}`)},
		"order.placed/2.json": {Data: []byte(`{"type": "object", "properties": {"total": {"$ref": "../money/1.json"}}}`)},
		"money/1.json":        {Data: []byte(`{"required": ["amount", "currency"]}`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	refs, err := registry.List(ctx)
	fmt.Println(refs, err)
	s, err := registry.Schema(ctx, schema.Ref{Type: "order.placed", Version: "2.0"})
	fmt.Println(s.Format, s.Source, s.References[0].Source, err)
	_, err = registry.Schema(ctx, schema.Ref{Type: "order.placed", Version: "3"})
	fmt.Println(err, errors.Is(err, schema.ErrUnknown))
	// Output:
	// [money version 1 order.placed version 1 order.placed version 2] <nil>
	// json-schema order.placed/2.json money/1.json <nil>
	// unknown schema: order.placed version 3 true
}
