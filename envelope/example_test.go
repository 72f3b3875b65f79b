package envelope_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/envelope"
)

func Example() {
	placed := envelope.New("order.placed", []byte(`{"orderId":"ord_123"}`),
		envelope.ID("evt_1"), envelope.At(time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)),
		envelope.Source("order-service"), envelope.Key("customer-42"))
	if err := placed.Validate(envelope.Limits{}); err != nil {
		fmt.Println(err)
		return
	}
	var record envelope.Record
	if err := envelope.Binary.Encode(&record, &placed); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(record.ID, record.Type, record.Headers, string(record.Body))

	var received envelope.Event
	form, err := envelope.Decode(&received, &record, envelope.Limits{})
	fmt.Println(form, err, received.Source, received.Key)
	// Output:
	// evt_1 order.placed [{herald 1} {herald-source order-service}] {"orderId":"ord_123"}
	// binary <nil> order-service customer-42
}

func ExampleDerivedFrom() {
	order := envelope.New("order.placed", nil, envelope.ID("evt_1"))
	first := envelope.New("payment.taken", nil, envelope.DerivedFrom(order))
	again := envelope.New("payment.taken", nil, envelope.DerivedFrom(order))
	fmt.Println(first.ID == again.ID, first.CausationID, first.CorrelationID)
	// Output: true evt_1 evt_1
}

func ExampleJSONCodec() {
	codec := envelope.JSONCodec{TypeMember: "eventType", Unmarked: true}
	e := envelope.Event{ID: "evt_1", Type: "OrderCreated", Version: "1.0", Data: []byte(`{"amount":99.99}`)}
	var record envelope.Record
	if err := codec.Encode(&record, &e); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(record.Body))
	// Output: {"eventId":"evt_1","eventType":"OrderCreated","version":"1.0","data":{"amount":99.99}}
}

func ExampleDecode() {
	var e envelope.Event
	form, err := envelope.Decode(&e, &envelope.Record{Position: "orders/0/17", Body: []byte("hello")}, envelope.Limits{})
	fmt.Println(form, err, e.ID, e.Type, string(e.Data))

	form, err = envelope.Decode(&e, &envelope.Record{Body: []byte(`{"herald":1,"eventId":"evt_1"}`)}, envelope.Limits{})
	fmt.Println(form, errors.Is(err, envelope.ErrMalformed))
	fmt.Println(err)
	// Output:
	// foreign <nil> orders/0/17 herald.foreign hello
	// json true
	// malformed event: type: expected [A-Za-z0-9._:/-]{1,255}
}

func ExampleEvent_Validate() {
	e := envelope.New("order placed", nil)
	fmt.Println(e.Validate(envelope.Limits{}))
	// Output: invalid event: type: expected [A-Za-z0-9._:/-]{1,255}
}
