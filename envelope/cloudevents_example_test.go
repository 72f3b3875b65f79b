package envelope_test

import (
	"fmt"

	"github.com/herald-go/herald/envelope"
)

func ExampleCloudEventsCodec() {
	e := envelope.Event{
		ID: "evt_1", Type: "order.placed", Source: "order-service", Key: "customer-42",
		Headers: envelope.Headers{{Key: "tenant", Value: "acme"}, {Key: "request-id", Value: "7"}},
		Data:    []byte(`{"orderId":"ord_123"}`),
	}
	var record envelope.Record
	if err := envelope.CloudEvents.Encode(&record, &e); err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range record.Headers {
		fmt.Println(h.Key, h.Value)
	}
	// Output:
	// ce_specversion 1.0
	// ce_id evt_1
	// ce_source order-service
	// ce_type order.placed
	// ce_partitionkey customer-42
	// ce_tenant acme
	// request-id 7
}

func ExampleCloudEventsStructuredCodec() {
	record := envelope.Record{
		ContentType: envelope.ContentTypeCloudEvents,
		Body: []byte(`{"specversion":"1.0","id":"A234-1234","source":"/orders","type":"com.example.order.placed",` +
			`"subject":"order/7","correlationid":"corr-1","data":{"amount":99.99}}`),
	}
	var e envelope.Event
	form, err := envelope.Decode(&e, &record, envelope.Limits{})
	fmt.Println(form, err)
	fmt.Println(e.ID, e.Source, e.CorrelationID, e.Headers.Get("subject"), string(e.Data))

	var again envelope.Record
	if err := envelope.CloudEventsStructured.Encode(&again, &e); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(again.Body))
	// Output:
	// cloudevents-json <nil>
	// A234-1234 /orders corr-1 order/7 {"amount":99.99}
	// {"specversion":"1.0","id":"A234-1234","source":"/orders","type":"com.example.order.placed","correlationid":"corr-1","subject":"order/7","data":{"amount":99.99}}
}
