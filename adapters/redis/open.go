package redis

import (
	"context"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// Open opens a broker over the Redis that a URL names:
//
//	redis://user:password@host:6379/0        Streams; rediss:// over TLS
//	redis://a:6379,b:6379,c:6379             a cluster, as is one host with ?cluster=true
//	redis://a:26379,b:26379?master=mymaster  the primary that sentinels know by this name
//	redis+pubsub://host:6379                 Pub/Sub; rediss+pubsub:// over TLS
//
// Parameters are cluster, master, sentinel_user, sentinel_password, durability (reply, aof, replicas:n), session, history (a duration or
// forever), allow_eviction, overflow (block, drop-oldest, latest), buffer, timeout, dial_timeout, queue, queue_bytes, and with TLS
// tls_ca_file, tls_cert_file, tls_key_file, tls_insecure. They mean what the Config's fields of these names mean; unknown ones are errors.
// Opening waits as New does. Over Pub/Sub the form that is written is JSON, whatever
// messaging.Config.Form says, unless messaging.WithCodec sets another.
func Open(ctx context.Context, url string, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return OpenConfig(ctx, cfg, opts...)
}

// OpenConfig opens a broker over the Redis that cfg describes, as Open does.
func OpenConfig(ctx context.Context, cfg Config, opts ...messaging.Option) (*messaging.Broker, error) {
	d, err := New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.PubSub { // before the caller's own options, which may say otherwise
		opts = append([]messaging.Option{messaging.WithCodec(envelope.JSON)}, opts...)
	}
	return messaging.New(ctx, d, opts...)
}
