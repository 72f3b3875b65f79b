package catalog

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/herald-go/herald/pkg/driver"
)

// The versions of AsyncAPI's bindings that are written.
const (
	amqpBinding  = "0.3.0"
	kafkaBinding = "0.5.0"
)

// has reports whether a configuration uses this broker.
func (d *document) has(broker string) bool {
	return slices.ContainsFunc(d.c.servers, func(s server) bool { return s.broker == broker })
}

func whole(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// channelBindings says what a topic is on each broker in use, by its own names. Redis's bindings have no members yet; the key of the stream is
// in an extension of the channel's Redis binding.
func (d *document) channelBindings(t *topic) *members {
	out := object()
	if d.has("rabbitmq") {
		exchange := object().Set("name", t.name).Set("type", "topic").Set("durable", true).Set("autoDelete", false)
		out.Set("amqp", object().Set("is", "routingKey").Set("exchange", exchange).Set("bindingVersion", amqpBinding))
	}
	if d.has("kafka") {
		m := object().Set("topic", t.name)
		if t.spec.Partitions > 0 {
			m.Set("partitions", whole(int64(t.spec.Partitions)))
		}
		settings := object()
		if t.spec.MaxAge > 0 {
			settings.Set("retention.ms", whole(t.spec.MaxAge.Milliseconds()))
		}
		if t.spec.MaxBytes > 0 {
			settings.Set("retention.bytes", whole(t.spec.MaxBytes))
		}
		if settings.Len() > 0 {
			m.Set("topicConfiguration", settings)
		}
		out.Set("kafka", m.Set("bindingVersion", kafkaBinding))
	}
	if d.has("redis") {
		out.Set("redis", object().Set("x-herald-stream", "{"+t.name+"}"))
	}
	return out
}

// operationBindings says what a group is on each broker in use.
func (d *document) operationBindings(t *topic, p part) *members {
	out := object()
	if p.group == "" {
		return out
	}
	name := driver.Name(driver.KindGroup, t.name, p.group)
	if d.has("rabbitmq") {
		out.Set("amqp", object().Set("ack", true).Set("x-herald-queue", name).Set("bindingVersion", amqpBinding))
	}
	if d.has("kafka") {
		id := object().Set("type", "string").Set("enum", []any{name})
		out.Set("kafka", object().Set("groupId", id).Set("bindingVersion", kafkaBinding))
	}
	if d.has("redis") {
		out.Set("redis", object().Set("x-herald-group", p.group))
	}
	return out
}
