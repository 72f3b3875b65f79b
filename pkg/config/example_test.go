package config_test

import (
	"context"
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/pkg/messaging"
)

// One file says which broker it is, what it holds and how it is handled. The program says what is done.
func ExampleLoad() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	cfg, err := config.Load("testdata/herald.yaml") // broker: ${BROKER_URL:-memory://}
	if err != nil {
		fmt.Println(err)
		return
	}
	broker, err := adapters.Open(ctx, cfg.URL(), cfg.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		fmt.Println(d.Group, "got", d.Type, "from", d.Source)
		stop()
		return nil
	})
	if _, err := broker.Subscribe(ctx, "orders", handler, cfg.Subscription("orders", "billing")...); err != nil {
		fmt.Println(err)
	}
	if err := broker.Publish(ctx, "orders", envelope.New("order.placed", []byte("{}"))); err != nil {
		fmt.Println(err)
	}
	fmt.Println(broker.Run(ctx))
	// Output:
	// billing got order.placed from billing
	// <nil>
}

// Everything that is wrong is told at once.
func ExampleParse() {
	_, err := config.Parse("herald.yaml", []byte(`
broker: memory://
publish_timeout: 30
topcis: {orders: {partitions: 12}}
groups: {billing: {orders: {concurrency: many}}}
`))
	fmt.Println(err)
	// Output:
	// herald.yaml:3: publish_timeout: expected a duration of more than 0, such as 30s, found 30, which has no unit
	// herald.yaml:4: topcis: unknown key, did you mean topics?
	// herald.yaml:5: groups.billing.orders.concurrency: expected a whole number of 1 or more, found many
}

// The effective configuration says of each value where it comes from, and hides what is secret.
func ExampleConfig_String() {
	loader := config.Loader{
		Code:    "drain_timeout: 10s",
		Environ: []string{"HERALD_FORM=json", "MQ=amqp://billing:secret@mq:5672"},
	}
	cfg, err := loader.Parse("herald.yaml", []byte("service: billing\nbroker: ${MQ}\nlimits: {nesting: 16}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg)
	// Output:
	// service: billing # herald.yaml:1
	// broker: amqp://billing:****@mq:5672 # herald.yaml:2 ${MQ}
	// form: json # environment HERALD_FORM
	// unrouted: refuse # default
	// publish_timeout: 30s # default
	// drain_timeout: 10s # code
	// must_run_on: [] # default
	// limits:
	//   message: 1000000 # default
	//   header_bytes: 65536 # default
	//   header_count: 128 # default
	//   nesting: 16 # herald.yaml:3
	// schemas:
	//   unknown: refuse # default
	//   framing: none # default
	//   timeout: 10s # default
}

// Later files say only what is different, and the environment has the last word.
func ExampleLoader_Load() {
	loader := config.Loader{
		FS: fstest.MapFS{
			"herald.yaml":     {Data: []byte("broker: memory://\ntopics: {orders: {partitions: 12, groups: [billing]}}\n")},
			"production.yaml": {Data: []byte("broker: kafka://kafka-1:9092\nkafka: {replication: 3}\n")},
		},
		Environ: []string{"HERALD_TOPICS__ORDERS__PARTITIONS=24"},
	}
	cfg, err := loader.Load("herald.yaml", "production.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.URL())
	for line := range strings.Lines(cfg.String()) {
		if !strings.HasSuffix(line, "# default\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// kafka://kafka-1:9092?replication=3
	// broker: kafka://kafka-1:9092 # production.yaml:1
	// limits:
	// topics:
	//   orders:
	//     partitions: 24 # environment HERALD_TOPICS__ORDERS__PARTITIONS
	//     groups: [billing] # herald.yaml:2
	// schemas:
	// kafka:
	//   tls:
	//   replication: 3 # production.yaml:2
}
