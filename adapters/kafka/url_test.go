package kafka_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/internal/tlsfiles"
	"github.com/herald-go/herald/adapters/kafka"
)

func TestParseURL_ReadsEachPart(t *testing.T) {
	t.Parallel()
	plain := kafka.Config{
		Declare: kafka.DeclareCreate, OutOfRange: kafka.OutOfRangeEarliest, Compression: "none", Session: kafka.DefaultSession,
		Heartbeat: kafka.DefaultHeartbeat, DialTimeout: kafka.DefaultDialTimeout, RequestTimeout: kafka.DefaultRequestTimeout,
		Queue: kafka.DefaultQueue, QueueBytes: kafka.DefaultQueueBytes, ClientID: kafka.DefaultClientID,
	}
	for raw, change := range map[string]func(*kafka.Config){
		"kafka://localhost": func(c *kafka.Config) { c.Brokers = []string{"localhost:9092"} },
		"KAFKA://a:1,b,[::1]:2/": func(c *kafka.Config) {
			c.Brokers = []string{"a:1", "b:9092", "[::1]:2"}
		},
		"kafkas://u%40x:p%3Aw%23@h:1?tls_ca_file=/ca.pem&tls_insecure=true": func(c *kafka.Config) {
			c.Brokers, c.TLS, c.User, c.Password, c.SASL = []string{"h:1"}, true, "u@x", "p:w#", kafka.SASLPlain
			c.TLSFiles = tlsfiles.Files{CAFile: "/ca.pem", Insecure: true}
		},
		"kafka://u:p@h?sasl=SCRAM-SHA-256": func(c *kafka.Config) {
			c.Brokers, c.User, c.Password, c.SASL = []string{"h:9092"}, "u", "p", kafka.SASLScram256
		},
		"kafka://h?replication=3&partitions=12&compression=lz4&declare=verify&out_of_range=fail&session=9s&heartbeat=2s&request_timeout=4s&client_id=x" +
			"&dial_timeout=7s&queue=5&queue_bytes=6&max_message=7": func(c *kafka.Config) {
			c.Brokers, c.Replication, c.Partitions, c.Compression = []string{"h:9092"}, 3, 12, "lz4"
			c.Declare, c.OutOfRange, c.Session = kafka.DeclareVerify, kafka.OutOfRangeFail, 9*time.Second
			c.Heartbeat, c.RequestTimeout, c.ClientID = 2*time.Second, 4*time.Second, "x"
			c.DialTimeout, c.Queue, c.QueueBytes, c.MaxMessage = 7*time.Second, 5, 6, 7
		},
	} {
		want := plain
		change(&want)
		got, err := kafka.ParseURL(raw)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%+v (%v), want\n%+v", raw, got, err, want)
		}
	}
}

func TestParseURL_SaysWhatIsWrongWithoutTheSecret(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"amqp://u:hunter2@h":                            "kafka:// or kafkas://",
		"kafka://u:hunter2@":                            "host or host:port",
		"kafka://u:hunter2@h:port":                      "host or host:port",
		"kafka://u:hunter2%zz@h":                        "percent-encoded",
		"kafka://u:hunter2@h/db":                        "no path",
		"kafka://u:hunter2@h#x":                         "no fragment",
		"kafka://u:hunter2@h?acks=1":                    `unknown parameter "acks", known are`,
		"kafka://u:hunter2@h?partitions=x":              "parameter partitions",
		"kafka://u:hunter2@h?partitions=-1":             "partitions is negative",
		"kafka://u:hunter2@h?max_message=-1":            "max message is negative",
		"kafka://u:hunter2@h?max_message=2147483647":    "max message is out of range",
		"kafka://u:hunter2@h?sasl=oauth":                "sasl is",
		"kafka://h?sasl=plain":                          "sasl needs a user",
		"kafka://u:hunter2@h?compression=brotli":        "compression is",
		"kafka://u:hunter2@h?session=3s&heartbeat=2s":   "at most a third of the session",
		"kafka://u:hunter2@h?tls_ca_file=/x":            "is for kafkas://",
		"kafka://u:hunter2@h?partitions=1&partitions=2": "given 2 times",
		"kafka://u:hunter2@h?out_of_range=%zz":          "not percent-encoded",
		"kafkas://u:hunter2@h?tls_insecure=perhaps":     "tls_insecure",
	} {
		_, err := kafka.ParseURL(raw)
		switch {
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want an error with %q", raw, err, want)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error holds the password: %v", raw, err)
		}
	}
}

func TestNew_RefusesAConfigWithoutBrokers(t *testing.T) {
	t.Parallel()
	if _, err := kafka.New(context.Background(), kafka.Config{}); err == nil || !strings.Contains(err.Error(), "kafka://host:9092") {
		t.Errorf("New without brokers: %v, want an error that says what to write", err)
	}
}
