package chaos

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
)

// Open opens a role's broker with time-outs that let short runs show what long ones would. Every connection goes to Role.Through, whatever address
// the broker names.
func Open(ctx context.Context, r Role, opts ...messaging.Option) (*messaging.Broker, error) {
	var dial func(ctx context.Context, network, address string) (net.Conn, error)
	if r.Through != "" {
		var dialer net.Dialer
		dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, r.Through)
		}
	}
	switch brokers.Kind(r.Broker) {
	case brokers.RabbitMQ:
		cfg, err := rabbitmq.ParseURL(r.URL)
		if err != nil {
			return nil, err
		}
		cfg.Heartbeat, cfg.Dial = 2*time.Second, dial
		return rabbitmq.OpenConfig(ctx, cfg, opts...)
	case brokers.Kafka:
		cfg, err := kafka.ParseURL(r.URL)
		if err != nil {
			return nil, err
		}
		cfg.Session, cfg.Heartbeat, cfg.RequestTimeout, cfg.Dial = 6*time.Second, 500*time.Millisecond, 3*time.Second, dial
		return kafka.OpenConfig(ctx, cfg, opts...)
	case brokers.Redis, brokers.Valkey:
		cfg, err := redis.ParseURL(r.URL)
		if err != nil {
			return nil, err
		}
		cfg.Session, cfg.Timeout, cfg.Dial = 3*time.Second, 2*time.Second, dial
		return redis.OpenConfig(ctx, cfg, opts...)
	default:
		return nil, fmt.Errorf("chaos: no broker %q", r.Broker)
	}
}
