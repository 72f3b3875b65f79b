package config

import (
	"strconv"
	"time"
)

// brokers are the names of the brokers' sections, and what must_run_on and memory.like know.
var brokers = []string{"memory", "rabbitmq", "kafka", "redis"}

// file is the whole file.
var file = &key{kind: section, keys: []*key{
	{name: "service", kind: name, doc: "The program's name: the source of events that have none, and the group of subscriptions that name none."},
	{name: "broker", kind: text, url: true, doc: "The broker's URL. Required."},
	{name: "form", kind: choice, values: []string{"binary", "json", "cloudevents", "cloudevents-json"}, fallback: "binary", doc: "The wire form that is written. All forms are read."},
	{
		name: "unrouted", kind: choice, values: []string{"refuse", "keep", "drop"}, fallback: "refuse",
		doc: "What becomes of an event whose topic has no group yet.",
	},
	{
		name: "publish_timeout", kind: duration, min: 1, fallback: "30s",
		doc: "Bounds a Publish whose context has no deadline, also while the broker is away.",
	},
	{name: "drain_timeout", kind: duration, min: 1, fallback: "25s", doc: "How long handlers may go on when the broker is closed."},
	{
		name: "must_run_on", kind: list, item: &key{kind: choice, values: brokers}, fallback: "[]",
		doc: "Brokers that the program must also run on: what one of them refuses is refused on any.",
	},
	limits,
	{name: "topics", kind: named, each: topic, doc: "What each topic should be, by name."},
	{name: "groups", kind: named, each: &key{name: "topic", kind: named, each: subscription}, doc: "How each group handles each topic: groups, then topics, by name."},
	schemas,
	memory,
	connection("rabbitmq", "RabbitMQ"),
	connection("kafka", "Kafka", &key{name: "replication", kind: whole, min: 1, max: 32767, doc: "How many brokers hold each topic that is created."}),
	connection(
		"redis", "Redis",
		&key{name: "sentinel_user", kind: text, doc: "The user at the sentinels."},
		&key{name: "sentinel_password", kind: text, secret: true, doc: "The password at the sentinels. Better in a file of its own: sentinel_password_file."},
		&key{name: "sentinel_password_file", kind: text, doc: "A file that holds the password at the sentinels; one newline at its end is dropped."},
	),
}}

var limits = &key{name: "limits", kind: section, doc: "Bounds of what is published and what is read.", keys: []*key{
	{name: "message", kind: whole, min: 1, max: mostInt, fallback: "1000000", doc: "The most bytes of attributes, headers and data together."},
	{name: "header_bytes", kind: whole, min: 1, max: mostInt, fallback: "65536", doc: "The most bytes of all header keys and values together."},
	{name: "header_count", kind: whole, min: 1, max: mostInt, fallback: "128", doc: "The most headers."},
	{name: "nesting", kind: whole, min: 1, max: 1000, fallback: "64", doc: "The most levels of a json form."},
}}

var topic = &key{name: "topic", kind: section, doc: "What a topic should be.", keys: []*key{
	{name: "partitions", kind: whole, max: 64, fallback: "0", doc: "Fixed when the topic is created; 0 leaves it to the broker."},
	{name: "history", kind: duration, fallback: "0s", doc: "The longest that an event is kept, handled or not; 0s is unbounded."},
	{name: "max_bytes", kind: whole, fallback: "0", doc: "The most bytes that are kept; 0 is unbounded."},
	{name: "max_count", kind: whole, fallback: "0", doc: "The most events that are kept; 0 is unbounded."},
	{name: "groups", kind: list, item: &key{kind: name}, fallback: "[]", doc: "Groups that are declared with the topic, so that events are kept for them from then on."},
	{
		name: "declare", kind: choice, values: []string{"create", "verify", "none"}, fallback: "create",
		doc: "create: it exists as told after opening, or opening fails. verify: nothing is created, and opening fails where something is missing or different. none: it is left alone.",
	},
	{
		name: "schemas", kind: choice, values: []string{"refuse", "warn", "pass", "off"},
		doc: "The topic's own policy for types and versions without a schema; off checks nothing of the topic. Without it: schemas.unknown.",
	},
}}

var schemas = &key{name: "schemas", kind: section, doc: "What the data of each type and version must look like.", keys: []*key{
	{name: "folder", kind: text, doc: "A folder of schemas: order.placed/1.json, .avsc or .proto. One of folder and registry."},
	{name: "registry", kind: text, url: true, doc: "The URL of a registry with Confluent's HTTP API. One of folder and registry."},
	{
		name: "unknown", kind: choice, values: []string{"refuse", "warn", "pass"}, fallback: "refuse",
		doc: "What becomes of an event whose type and version have no schema. A topic's own schemas key wins.",
	},
	{
		name: "framing", kind: choice, values: []string{"none", "confluent"}, fallback: "none",
		doc: "What stands before the data on the wire; confluent is the registry's five bytes and, for Protobuf, the message's indexes.",
	},
	{name: "timeout", kind: duration, min: 1, fallback: "10s", doc: "Bounds one question to the registry."},
	{name: "username", kind: text, doc: "The user at the registry, when its URL names none."},
	{name: "password", kind: text, secret: true, doc: "The password at the registry. Better in a file of its own: password_file."},
	{name: "password_file", kind: text, doc: "A file that holds the password; one newline at its end is dropped."},
	{name: "token", kind: text, secret: true, doc: "The bearer token at the registry, in the place of a user. Better in a file of its own: token_file."},
	{name: "token_file", kind: text, doc: "A file that holds the token; one newline at its end is dropped."},
}}

var subscription = &key{name: "subscription", kind: section, doc: "How a group handles a topic.", keys: []*key{
	{name: "concurrency", kind: whole, min: 1, max: mostInt, fallback: "16", doc: "How many handlers may run at once."},
	{
		name: "window", kind: whole, min: 1, max: mostInt, fallback: "128", derived: derivedWindow,
		doc: "The most events in hand and unfinished. Its default is 8 times the concurrency, at least 128.",
	},
	{name: "window_bytes", kind: whole, min: 1, max: mostInt, fallback: "67108864", doc: "The most bytes in hand and unfinished."},
	{name: "timeout", kind: duration, min: 1, word: "none", fallback: "1m", doc: "How long one attempt may take."},
	{
		name: "quarantine", kind: whole, min: 1, max: mostInt, word: "never", fallback: "50",
		doc: "How many deliveries without one recorded failure make an event a dead letter.",
	},
	{name: "order_across_replicas", kind: whole, max: 64, fallback: "0", doc: "Keeps the order of keys across all members, in so many partitions; 0 does not ask for it."},
	{name: "from", kind: start, doc: "Where a group begins that does not exist yet. Without it: the oldest event that the broker holds for the group."},
	{name: "types", kind: list, item: &key{kind: pattern}, doc: "The event types that the group gets. Without it: those that the handler has routes for."},
	{
		name: "when_later", kind: choice, values: []string{"overtake", "block"}, fallback: "overtake",
		doc: "What becomes of the key's next events while one waits to be redelivered later.",
	},
	{name: "retry", kind: section, doc: "What follows a failed attempt.", keys: []*key{
		{
			name: "quick", kind: list, item: &key{kind: duration, max: int64(time.Minute)}, fallback: "[0s, 100ms, 500ms]",
			doc: "The delays before tries in this process; [] is none.",
		},
		{name: "later", kind: list, item: &key{kind: duration}, fallback: "[10s, 1m, 10m]", doc: "The delays before redeliveries; after the last one follow the dead letters; [] is none."},
	}},
}}

var memory = &key{name: "memory", kind: section, doc: "The broker in the process itself: parameters of its URL. Used when broker begins with memory://.", keys: []*key{
	{name: "like", kind: choice, values: brokers[1:], doc: "The broker to play: what that one refuses is refused."},
	{name: "max_count", kind: whole, doc: "The most messages that each topic keeps; 0 is unbounded."},
	{name: "max_bytes", kind: whole, doc: "The most bytes that each topic keeps; 0 is unbounded."},
	{name: "max_age", kind: duration, doc: "The longest that each topic keeps a message; 0s is unbounded."},
	{name: "max_message", kind: whole, max: mostInt, doc: "The most bytes of one message; 0 is unlimited."},
}}

// connection is the section of a broker that is reached over the network.
func connection(id, title string, more ...*key) *key {
	keys := []*key{
		{name: "username", kind: text, doc: "The user, when the URL names none."},
		{name: "password", kind: text, secret: true, doc: "The password, when the URL has none. Better in a file of its own: password_file."},
		{name: "password_file", kind: text, doc: "A file that holds the password; one newline at its end is dropped."},
		{name: "tls", kind: section, doc: "Encryption.", keys: []*key{
			{name: "ca_file", kind: text, doc: "The certificates to trust, PEM. Without it: the system's."},
			{name: "cert_file", kind: text, doc: "The client's certificate, PEM."},
			{name: "key_file", kind: text, doc: "The key of the client's certificate, PEM."},
			{name: "insecure", kind: flag, fallback: "false", doc: "Does not check the broker's certificate. For tests."},
		}},
	}
	return &key{name: id, kind: section, doc: "How " + title + " is reached. Used when broker's URL is of that broker.", keys: append(keys, more...)}
}

// derivedWindow is the window that a subscription has when only its concurrency is told.
func derivedWindow(siblings *node) string {
	n, ok := siblings.number("concurrency")
	if !ok {
		return ""
	}
	return strconv.FormatInt(max(8*n, 128), 10)
}
