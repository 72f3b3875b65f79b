package avro_test

import (
	"fmt"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/avro"
)

func ExampleNewCodec() {
	type Payment struct {
		Order  string `avro:"order"`
		Amount int64  `avro:"amount"`
	}
	codec, err := avro.NewCodec[Payment](schema.Schema{Format: schema.Avro, Text: []byte(`{
		"type": "record", "name": "PaymentTaken", "fields": [{"name": "order", "type": "string"}, {"name": "amount", "type": "long"}]
	}`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := codec.Marshal(Payment{Order: "o-1", Amount: 1250})
	fmt.Printf("%x %v\n", data, err)
	var back Payment
	err = codec.Unmarshal(data, &back)
	fmt.Println(back, err)
	fmt.Println(codec.Unmarshal(data[:12], &back))
	// Output:
	// c3019c96efc7d73aedb5066f2d31c413 <nil>
	// {o-1 1250} <nil>
	// data does not fit its schema: /order: expected string that ends within the data at byte 1
}
