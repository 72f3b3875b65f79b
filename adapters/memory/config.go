package memory

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Brokers that a Server can play, for Config.Like.
const (
	// LikeRabbitMQ frees events once every group has taken them and refuses history, starts, resets and Keep.
	LikeRabbitMQ = "rabbitmq"
	// LikeKafka is a log broker.
	LikeKafka = "kafka"
	// LikeRedis is a log broker.
	LikeRedis = "redis"
)

// Defaults of a Config's zero fields.
const (
	// DefaultGrace is a third of the usual session of 30 s, the longest that the driver contract allows.
	DefaultGrace = 10 * time.Second
	// DefaultQueue is how many messages a publisher queues while it is disconnected.
	DefaultQueue = 10_000
	// DefaultQueueBytes is how many bytes a publisher queues while it is disconnected.
	DefaultQueueBytes = 16 << 20
)

// Config describes a Server. The zero value is useful: a log broker that keeps everything, takes messages of any size and has no faults.
type Config struct {
	// Like is the broker to play: empty, LikeRabbitMQ, LikeKafka or LikeRedis. What that broker refuses is refused.
	Like string
	// MaxCount, MaxBytes and MaxAge bound what each topic keeps, in messages, bytes and time since they were stored; zero is unbounded. They
	// hold for topics that are not declared with bounds of their own, and never for plain logs (dead letters). The newest message is always
	// kept. Bounds take what a group has not seen yet; its members are then told the exact size of the gap.
	MaxCount, MaxBytes int64
	// MaxAge is the time bound; see MaxCount.
	MaxAge time.Duration
	// MaxMessage is the most bytes of one message, its headers and attributes included; 0 is unlimited.
	MaxMessage int
	// Grace is how long a member may still settle what it holds of a partition that another member shall get; 0 is DefaultGrace.
	Grace time.Duration
	// Queue and QueueBytes bound what one driver's publisher holds while it is disconnected; 0 is DefaultQueue and DefaultQueueBytes.
	Queue, QueueBytes int
	// Faults are what goes wrong, by chance and by seed; the zero value is nothing.
	Faults Faults
}

// Faults are injected failures, for tests of what stands on top. Each number is a probability from 0 to 1 per message. What happens depends
// on Seed, on the topic's name and on the order of publishing to it alone: the same seed gives the same faults.
type Faults struct {
	// Seed chooses the faults.
	Seed uint64
	// Refuse fails messages with the fate Unavailable; they are not stored.
	Refuse float64
	// Unconfirmed fails messages with the fate Unconfirmed; half of them are stored.
	Unconfirmed float64
	// Duplicate loses the first ack of a message, so that each group gets it once more.
	Duplicate float64
	// Cut breaks the source of the member that acks the message for the first time: all that it holds from there comes again.
	Cut float64
	// Delay is the most that a delivery from a topic is delayed, at random; the order of the topic is kept.
	Delay time.Duration
}

// none reports whether nothing shall go wrong.
func (f Faults) none() bool {
	return f.Refuse == 0 && f.Unconfirmed == 0 && f.Duplicate == 0 && f.Cut == 0 && f.Delay == 0
}

func (f Faults) validate() error {
	var errs []error
	for _, p := range []struct {
		name  string
		value float64
	}{{"refuse", f.Refuse}, {"unconfirmed", f.Unconfirmed}, {"duplicate", f.Duplicate}, {"cut", f.Cut}} {
		if math.IsNaN(p.value) || p.value < 0 || p.value > 1 {
			errs = append(errs, fmt.Errorf("faults: %s is %v, want 0 to 1", p.name, p.value))
		}
	}
	if f.Delay < 0 {
		errs = append(errs, fmt.Errorf("faults: delay is %v, want 0 or more", f.Delay))
	}
	return errors.Join(errs...)
}

// checked returns c as it is, or why it is not valid.
func (c Config) checked() (Config, error) {
	var errs []error
	likes := []string{LikeRabbitMQ, LikeKafka, LikeRedis}
	if c.Like != "" && !slices.Contains(likes, c.Like) {
		errs = append(errs, fmt.Errorf("like is %q, want one of %s or nothing", c.Like, strings.Join(likes, ", ")))
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"max_count", c.MaxCount},
		{"max_bytes", c.MaxBytes},
		{"max_age", int64(c.MaxAge)},
		{"max_message", int64(c.MaxMessage)},
		{"grace", int64(c.Grace)},
		{"queue", int64(c.Queue)},
		{"queue bytes", int64(c.QueueBytes)},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", n.name))
		}
	}
	errs = append(errs, c.Faults.validate())
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("memory: %w", err)
	}
	return c, nil
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	if c.Queue == 0 {
		c.Queue = DefaultQueue
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = DefaultQueueBytes
	}
	return c
}

// bounds is a topic's retention; zero is unbounded.
type bounds struct {
	count, bytes int64
	age          time.Duration
}

func (c Config) bounds() bounds { return bounds{count: c.MaxCount, bytes: c.MaxBytes, age: c.MaxAge} }
