package kafka

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// Open opens a broker over a Kafka cluster, as described by a URL:
//
//	kafka://host:9092,host2:9092?partitions=12&replication=3&compression=zstd
//	kafkas://user:password@host:9093?sasl=scram-sha-512&tls_ca_file=/etc/ca.pem
//
// kafkas is TLS. All parameters are optional and mean what the Config's fields of these names mean; unknown ones are errors. It waits for a
// cluster that is away until ctx ends, or for 30 s where ctx has no deadline. No error holds the password.
func Open(ctx context.Context, url string, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return OpenConfig(ctx, cfg, opts...)
}

// OpenConfig is Open with a Config.
func OpenConfig(ctx context.Context, cfg Config, opts ...messaging.Option) (*messaging.Broker, error) {
	d, err := New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return messaging.New(ctx, d, opts...)
}
