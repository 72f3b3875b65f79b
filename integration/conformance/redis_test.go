package conformance_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/integration/brokers"
)

func TestRedisStreams(t *testing.T)  { redisStreams(t, brokers.Need(t, brokers.Redis)) }
func TestValkeyStreams(t *testing.T) { redisStreams(t, brokers.Need(t, brokers.Valkey)) }
func TestOldestRedisStreams(t *testing.T) {
	redisStreams(t, brokers.Own(t, brokers.Redis, brokers.From("local")))
}

func redisStreams(t *testing.T, b *brokers.Broker) {
	t.Helper()
	deaf := &deafness{topics: map[string]bool{}, deaf: map[string][]*hearing{}}
	h := harness(t, b, func(ctx context.Context, b *brokers.Broker, dial dial) (driver.Driver, error) {
		cfg, err := redis.ParseURL(b.URL())
		if err != nil {
			return nil, err
		}
		return deaf.openRedis(ctx, cfg, dial)
	})
	h.Late = 2 * time.Second
	h.Unanswered = deaf.set
	h.Inject = func(ctx context.Context, topic string, headers []driver.Header, body []byte) error {
		return redisStranger(ctx, b, topic, headers, body)
	}
	if b.Origin() != "given" {
		h.Refuse = (&selectors{b: b}).refuse
	}
	drivertest.Run(t, h)
}

func TestRedisPubSub(t *testing.T)  { redisPubSub(t, brokers.Need(t, brokers.Redis)) }
func TestValkeyPubSub(t *testing.T) { redisPubSub(t, brokers.Need(t, brokers.Valkey)) }

func redisPubSub(t *testing.T, b *brokers.Broker) {
	t.Helper()
	h := harness(t, b, func(ctx context.Context, b *brokers.Broker, dial dial) (driver.Driver, error) {
		cfg, err := redis.ParseURL(b.URL())
		if err != nil {
			return nil, err
		}
		cfg.PubSub, cfg.Dial = true, dial
		return redis.New(ctx, cfg)
	})
	h.Name += " pubsub"
	h.Inject = func(ctx context.Context, topic string, _ []driver.Header, body []byte) error {
		c := plainRedis(b)
		defer func() { _ = c.Close() }()
		return c.Publish(ctx, topic, body).Err()
	}
	drivertest.Run(t, h)
}

// plainRedis is the bare client.
func plainRedis(b *brokers.Broker) *goredis.Client {
	opt, err := goredis.ParseURL(b.URL())
	if err != nil {
		opt = &goredis.Options{Addr: b.Addr()}
	}
	return goredis.NewClient(opt)
}

// redisStranger publishes with the bare client.
func redisStranger(ctx context.Context, b *brokers.Broker, topic string, headers []driver.Header, body []byte) error {
	c := plainRedis(b)
	defer func() { _ = c.Close() }()
	var values []any
	for _, h := range headers {
		values = append(values, h.Key, h.Value)
	}
	return c.XAdd(ctx, &goredis.XAddArgs{Stream: "{" + topic + "}", Values: append(values, "data", body)}).Err()
}

// selectors take the right to XADD to one topic from the suite's user: whatever it may do otherwise stays.
type selectors struct {
	b   *brokers.Broker
	one sync.Mutex // one topic at a time, since patterns can't be subtracted

	mu    sync.Mutex
	topic string
}

func (s *selectors) refuse(topic string, on bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := plainRedis(s.b)
	defer func() { _ = c.Close() }()
	user, err := c.Do(ctx, "acl", "whoami").Text()
	if err != nil {
		return err
	}
	if !on {
		s.mu.Lock()
		mine := s.topic == topic
		if mine {
			s.topic = ""
		}
		s.mu.Unlock()
		if !mine {
			return nil
		}
		defer s.one.Unlock()
		return c.Do(ctx, "acl", "setuser", user, "clearselectors", "+xadd").Err()
	}
	s.one.Lock()
	s.mu.Lock()
	s.topic = topic
	s.mu.Unlock()
	return c.Do(ctx, "acl", "setuser", user, "clearselectors", "("+"+xadd "+strings.Join(allBut("{"+topic+"}"), " ")+")", "-xadd").Err()
}

// allBut returns patterns that together match every key but one.
func allBut(key string) []string {
	patterns := []string{"~" + key + "?*"}
	for i := range len(key) {
		patterns = append(patterns, fmt.Sprintf("~%s[^%c]*", key[:i], key[i]))
		if i > 0 {
			patterns = append(patterns, "~"+key[:i])
		}
	}
	return patterns
}

// openRedis opens a driver that turns deaf when it publishes to a topic whose answers get lost.
func (d *deafness) openRedis(ctx context.Context, cfg redis.Config, dial dial) (driver.Driver, error) {
	h := &hearing{}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return h.listen(conn), nil
	}
	inner, err := redis.New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &impairedRedis{Driver: inner, publisher: &impairedPublisher{Publisher: inner.Publisher(), all: d, h: h}}, nil
}

type impairedRedis struct {
	*redis.Driver
	publisher *impairedPublisher
}

func (i *impairedRedis) Publisher() driver.Publisher { return i.publisher }
