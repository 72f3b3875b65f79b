package rabbitmq_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
)

func TestParseURLReadsEachPart(t *testing.T) {
	t.Parallel()
	got, err := rabbitmq.ParseURL("amqps://shop%40eu:p%40ss%2Fword@one:5677,two,[::1]/eu%2Fwest?heartbeat=5&queue=classic&exchange=fanout" +
		"&declare=verify&history=720h&prefetch=50&message_estimate=1000&hold_limit=1h&max_message=1000000&pipeline=7&publish_queue=8" +
		"&publish_queue_bytes=9&grace=3s&dial_timeout=4s&external=true&tls_insecure=true")
	if err != nil {
		t.Fatal(err)
	}
	if got.Dial == nil {
		t.Error("Dial is nil, want the default")
	}
	got.Dial = nil
	want := rabbitmq.Config{
		Addresses: []string{"one:5677", "two:5671", "[::1]:5671"}, User: "shop@eu", Password: "p@ss/word", VHost: "eu/west", UseTLS: true,
		External: true, Heartbeat: 5 * time.Second, DialTimeout: 4 * time.Second, Queue: rabbitmq.QueueClassic,
		Exchange: rabbitmq.ExchangeFanout, Declare: rabbitmq.DeclareVerify, History: 720 * time.Hour, Prefetch: 50, MessageEstimate: 1000,
		HoldLimit: time.Hour, MaxMessage: 1_000_000, Grace: 3 * time.Second, Pipeline: 7, PublishQueue: 8, PublishQueueBytes: 9,
	}
	want.TLSFiles.Insecure = true
	if !reflect.DeepEqual(got, want) {
		t.Errorf("ParseURL is\n%+v, want\n%+v", got, want)
	}
}

func TestParseURLHasDefaults(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"amqp://", "amqp:///", "AMQP://localhost", "amqp://guest:guest@localhost:5672/"} {
		got, err := rabbitmq.ParseURL(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if got.Addresses[0] != "localhost:5672" || got.VHost != "/" || got.User != "guest" || got.Password != "guest" {
			t.Errorf("%s is %v %q %q", raw, got.Addresses, got.VHost, got.User)
		}
		if got.Queue != rabbitmq.QueueQuorum || got.Exchange != rabbitmq.ExchangeTopic || got.Declare != rabbitmq.DeclareCreate {
			t.Errorf("%s is %s, %s, %s", raw, got.Queue, got.Exchange, got.Declare)
		}
	}
}

func TestParseURLRefusesWithoutASecret(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                                          "not a URL",
		"kafka://canary@h":                          "not a URL",
		"amqp://canary:canary@h/a/b":                "not a URL",
		"amqp://u:can%zzary@h":                      "not a URL",
		"amqp://u:canary@h/%zz":                     "not a URL",
		"amqp://u:canary@h?a=%zz":                   "not a URL",
		"amqp://u:canary@h/v#frag":                  "not a URL",
		"amqp://u:canary@h?colour=red":              "known are declare, dial_timeout, exchange, external, grace, heartbeat, history, hold_limit",
		"amqp://u:canary@h?heartbeat=1&heartbeat=2": "given 2 times",
		"amqp://u:canary@h?heartbeat=10ms":          "heartbeat is 10ms",
		"amqp://u:canary@h?queue=lazy":              "quorum classic",
		"amqp://u:canary@h?exchange=headers":        "topic fanout direct",
		"amqp://u:canary@h?declare=maybe":           "create verify none",
		"amqp://u:canary@h?prefetch=-1":             "negative",
		"amqp://u:canary@h?grace=-1s":               "negative",
		"amqp://u:canary@h?prefetch=many":           "prefetch",
		"amqp://u:canary@h?external=true":           "amqps",
		"amqp://u:canary@h?tls_insecure=perhaps":    "tls_insecure",
		"amqp://u:canary@:5672":                     "host:port",
		"amqp://u:canary@h:port/":                   "host:port",
		"amqp://u:canary@h:/":                       "host:port",
		"amqp://u:canary@h:0/":                      "host:port",
		"amqp://u:canary@h:65536/":                  "host:port",
		"amqp://u:canary@h:-1/":                     "host:port",
		"amqp://u:canary@one,,two":                  "host:port",
		"amqp://u:canary@one,":                      "host:port",
		"amqp://u:canary@,":                         "host:port",
		"amqp://u:canary@[::1":                      "host:port",
		"amqp://u:canary@[::1]x":                    "host:port",
		"amqp://u:canary@[]":                        "host:port",
		"amqp://u:canary@[nonsense:1]":              "host:port",
		"amqp://u:canary@::1":                       "host:port",
		"amqp://u:canary@a:b:5672":                  "host:port",
		"amqp://u:canary/x@h":                       "percent-encoded",
		"amqp://u:can?canary@h":                     "percent-encoded",
		"amqp://u:can@canary/x@h":                   "percent-encoded",
		"amqp://u:12/canary@h":                      "percent-encoded",
	} {
		_, err := rabbitmq.ParseURL(raw)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseURL(%s): %v, want %q in it", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("ParseURL(%s) repeats a secret: %v", raw, err)
		}
	}
}
