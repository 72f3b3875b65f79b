package kafka_test

import (
	"fmt"

	"github.com/herald-go/herald/adapters/kafka"
)

func ExampleParseURL() {
	cfg, err := kafka.ParseURL("kafkas://billing:s3cret@a.example,b.example:9094?sasl=scram-sha-512&replication=3&compression=zstd")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.Brokers, cfg.TLS, cfg.SASL, cfg.Replication, cfg.Compression)

	_, err = kafka.ParseURL("kafka://billing:s3cret@a.example?declare=maybe")
	fmt.Println(err)
	// Output:
	// [a.example:9092 b.example:9094] true scram-sha-512 3 zstd
	// kafka: declare is "maybe", want one of create, verify, none
}
