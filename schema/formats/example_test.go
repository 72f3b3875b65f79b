package formats_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/formats"
)

func ExampleAll() {
	registry, err := schema.Folder(fstest.MapFS{ // or an embed.FS, or os.DirFS("schemas")
		"order.placed/1.json":   {Data: []byte(`{"required": ["id"]}`)},
		"payment.taken/1.avsc":  {Data: []byte(`{"type": "record", "name": "PaymentTaken", "fields": [{"name": "order", "type": "string"}]}`)},
		"parcel.sent/1.proto":   {Data: []byte(`syntax = "proto3"; message ParcelSent { string order = 1; }`)},
		"parcel.sent/README.md": {Data: []byte(`is passed over`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	checker, err := schema.NewChecker(schema.CheckerConfig{Registry: registry, Compilers: formats.All()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for typ, data := range map[string]string{"order.placed": `{"id": 1}`, "parcel.sent": "\x0a\x03o-1"} {
		e := envelope.New(typ, []byte(data))
		fmt.Println(checker.CheckPublish(ctx, "shop", &e))
	}
	e := envelope.New("parcel.sent", []byte("\x08\x01"))
	fmt.Println(checker.CheckPublish(ctx, "shop", &e))
	// Output:
	// <nil>
	// <nil>
	// data does not fit its schema parcel.sent version 1: /order: expected string, wire type LEN, got VARINT
}
