package redis_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
)

func parse(t *testing.T, url string) redis.Config {
	t.Helper()
	cfg, err := redis.ParseURL(url)
	if err != nil {
		t.Fatalf("ParseURL: %v", err)
	}
	cfg.Dial = nil // a default that can't be compared
	return cfg
}

// defaults is what a URL says that says nothing.
func defaults() redis.Config {
	return redis.Config{
		Addresses: []string{"h:6379"}, Durability: redis.DurabilityReply, Overflow: redis.OverflowBlock, Channels: redis.ChannelsTopic, Session: redis.DefaultSession,
		History: redis.DefaultHistory, Timeout: redis.DefaultTimeout, DialTimeout: redis.DefaultDialTimeout,
		Queue: redis.DefaultQueue, QueueBytes: redis.DefaultQueueBytes, Buffer: redis.DefaultBuffer,
	}
}

func TestParseURLReadsEveryPart(t *testing.T) {
	t.Parallel()
	for url, change := range map[string]func(c *redis.Config){
		"redis://h":        func(*redis.Config) {},
		"REDIS://h:6379/0": func(*redis.Config) {},
		"redis://":         func(c *redis.Config) { c.Addresses = []string{redis.DefaultAddress} },
		"redis://user:p%40ss%3A%2F@h/3": func(c *redis.Config) {
			c.Username, c.Password, c.DB = "user", "p@ss:/", 3
		},
		"redis://:secret@h":         func(c *redis.Config) { c.Password = "secret" },
		"redis://a:1,b,[::1]:3":     func(c *redis.Config) { c.Addresses = []string{"a:1", "b:6379", "[::1]:3"} },
		"redis://[::1],[::2]":       func(c *redis.Config) { c.Addresses = []string{"[::1]:6379", "[::2]:6379"} },
		"redis://h?cluster=true":    func(c *redis.Config) { c.Cluster = true },
		"redis://a,b:1?master=main": func(c *redis.Config) { c.Addresses, c.Master = []string{"a:26379", "b:1"}, "main" },
		"redis://a?master=main&sentinel_user=u&sentinel_password=p": func(c *redis.Config) {
			c.Addresses, c.Master, c.SentinelUsername, c.SentinelPassword = []string{"a:26379"}, "main", "u", "p"
		},
		"redis+pubsub://h?overflow=latest&buffer=5&channels=type": func(c *redis.Config) {
			c.PubSub, c.Overflow, c.Buffer, c.Channels = true, redis.OverflowLatest, 5, redis.ChannelsType
		},
		"redis://h?durability=replicas:2&session=3s&history=forever&allow_eviction=true": func(c *redis.Config) {
			c.Durability, c.Session, c.History, c.AllowEviction = "replicas:2", 3*time.Second, -1, true
		},
		"redis://h?timeout=1s&dial_timeout=2s&queue=3&queue_bytes=4&history=1h": func(c *redis.Config) {
			c.Timeout, c.DialTimeout, c.Queue, c.QueueBytes, c.History = time.Second, 2*time.Second, 3, 4, time.Hour
		},
	} {
		want := defaults()
		change(&want)
		if got := parse(t, url); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v\nwant %+v", url, got, want)
		}
	}
}

func TestParseURLOverTLS(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"rediss://h", "rediss+pubsub://h?tls_insecure=true"} {
		cfg := parse(t, url)
		if cfg.TLS == nil || cfg.TLS.InsecureSkipVerify != strings.Contains(url, "insecure") || cfg.PubSub != strings.Contains(url, "pubsub") {
			t.Errorf("%s: %+v", url, cfg)
		}
	}
}

func TestParseURLExplainsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                             "begins with redis://",
		"amqp://u:canary@h":            "begins with redis://",
		"redis://u:%zzcanary@h":        "percent-encoded",
		"redis://:canary@h/first":      "number of a database",
		"redis://h?canary=1":           "known are allow_eviction",
		"redis://h?db=1":               "unknown parameter",
		"redis://h?queue=1&queue=2":    "given 2 times",
		"redis://h?queue=canary":       "parameter queue",
		"redis://h?session=10ms":       "a second or more",
		"redis://h?durability=always":  "replicas:n",
		"redis://h?overflow=never":     "drop-oldest",
		"redis://h?channels=all":       "want topic or type",
		"redis://a,b/1":                "0 in a cluster",
		"redis://h?cluster=1&master=m": "exclude each other",
		"redis://h?tls_insecure=true":  "rediss://",
		"redis://h?buffer=-1":          "buffer is negative",
		"rediss://u:canary@[::1":       "address 1 is not a host",
		"redis://::1]:6379":            "address 1 is not a host",
		"redis://a,::x":                "address 2 is not a host",
		"redis://h:port":               "number of a port",
		"redis://h:70000":              "number of a port",
		"redis://h:":                   "number of a port",
		"redis://:1":                   "address 1 is not a host",
	} {
		_, err := redis.ParseURL(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something with %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "canary@") {
			t.Errorf("%s: the error repeats a secret: %v", url, err)
		}
	}
}
