package rabbitmq

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// Open opens a broker over RabbitMQ, as described by a URL:
//
//	amqp://user:password@host1:5672,host2:5672/vhost?heartbeat=10s
//	amqps://user:password@host/vhost?tls_ca_file=ca.pem&tls_cert_file=me.pem&tls_key_file=me.key
//
// User, password and virtual host are percent-decoded; without a virtual host it is "/". The parameters are tls_ca_file, tls_cert_file,
// tls_key_file, tls_insecure and, in snake case, the fields of Config: heartbeat, dial_timeout, history, hold_limit, grace, prefetch,
// message_estimate, max_message, pipeline, publish_queue, publish_queue_bytes, queue, exchange, declare and external. Unknown ones are errors.
// ctx bounds opening only; see New.
func Open(ctx context.Context, url string, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return OpenConfig(ctx, cfg, opts...)
}

// OpenConfig is Open for a Config.
func OpenConfig(ctx context.Context, cfg Config, opts ...messaging.Option) (*messaging.Broker, error) {
	d, err := New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return messaging.New(ctx, d, opts...)
}
