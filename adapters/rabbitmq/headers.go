package rabbitmq

import (
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// shortLimit is the most bytes of an AMQP short string: properties, routing keys and header names.
const shortLimit = 255

// Headers of this adapter beside those of package driver. They are a wire format.
const (
	// headerSent is when the message was written, in milliseconds since 1970: AMQP has no time of storing.
	headerSent = "herald-sent"
	// headerAs stands before a user's header whose own name would be an order to the broker.
	headerAs = "herald-as-"
	// headerDelay stands before the number of a delay level that the message has to wait in.
	headerDelay = "herald-delay-"
	// headerDelayTopic is where a delayed message goes when it is due.
	headerDelayTopic = "herald-delay-topic"
)

// orders are header names that RabbitMQ acts on or writes itself.
func isOrder(key string) bool {
	switch key {
	case "CC", "BCC", "x-death", "x-delay", "x-delivery-count", "x-acquired-count", "x-stream-offset", "x-stream-filter-value":
		return true
	}
	return strings.HasPrefix(key, "x-first-death-") || strings.HasPrefix(key, "x-last-death-") || strings.HasPrefix(key, "x-opt-")
}

// encode turns a message into a publishing. The publishing shares the body. stamp is when, in milliseconds since 1970: a value that messages
// of one batch share.
func encode(m *driver.Message, stamp any) amqp.Publishing {
	h := make(amqp.Table, len(m.Headers)+6)
	for i := range m.Headers {
		key := m.Headers[i].Key
		if isOrder(key) || strings.HasPrefix(key, headerAs) {
			key = headerAs + key
		}
		h[key] = m.Headers[i].Value
	}
	p := amqp.Publishing{Headers: h, DeliveryMode: amqp.Persistent, Body: m.Body}
	p.MessageId = native(h, driver.HeaderID, m.ID)
	p.Type = native(h, driver.HeaderType, m.Type)
	p.ContentType = native(h, driver.HeaderContentType, m.ContentType)
	h[driver.HeaderSlot] = slotTexts[m.Slot%driver.Slots]
	h[headerSent] = stamp
	if m.Key != "" {
		h[driver.HeaderKey] = m.Key
	}
	if !m.Time.IsZero() {
		h[driver.HeaderTime] = m.Time.UTC().Format(time.RFC3339Nano)
		if m.Time.Unix() >= 0 { // AMQP's timestamps begin at 1970
			p.Timestamp = m.Time
		}
	}
	if !m.NotBefore.IsZero() {
		h[driver.HeaderNotBefore] = m.NotBefore.UTC().Format(time.RFC3339Nano)
	}
	return p
}

// native returns what fits into a property, and puts the rest into a header.
func native(h amqp.Table, header, value string) string {
	if len(value) <= shortLimit {
		return value
	}
	h[header] = value
	return ""
}

// slotTexts are the slots as headers carry them, made once since each would be an allocation.
var slotTexts = func() (all [driver.Slots]any) {
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	return all
}()

// frameOverhead is what a content header takes beside a message's own text: the frame, the property flags, the fixed properties, this
// adapter's headers with their names, those of delays included.
const frameOverhead = 1024

// unfit says why a message can't be written, before its first byte: amqp091 closes the connection for what it can't encode.
func unfit(m *driver.Message, frame, most int) (driver.Fate, error) {
	if len(m.Body) > most {
		return driver.TooLarge, errTooLarge(len(m.Body), most)
	}
	size := frameOverhead + len(m.ID) + len(m.Type) + len(m.Key) + len(m.ContentType)
	for i := range m.Headers {
		key := len(m.Headers[i].Key)
		if key+len(headerAs) > shortLimit {
			return driver.Invalid, errHeaderName
		}
		size += key + len(headerAs) + 5 + len(m.Headers[i].Value)
	}
	if size > frame {
		return driver.TooLarge, errHeadersLarge
	}
	return driver.Stored, nil
}

// decode turns a delivery into a message, whoever published it.
func decode(d *amqp.Delivery) *driver.Message {
	m := &driver.Message{ID: d.MessageId, Type: d.Type, ContentType: d.ContentType, Time: d.Timestamp, Body: d.Body}
	var slot, exact, due string
	for key, value := range d.Headers {
		text, isText := value.(string)
		switch key {
		case driver.HeaderID:
			m.ID = or(m.ID, text)
		case driver.HeaderType:
			m.Type = or(m.Type, text)
		case driver.HeaderContentType:
			m.ContentType = or(m.ContentType, text)
		case driver.HeaderKey:
			m.Key = render(value)
		case driver.HeaderSlot:
			slot = text
		case driver.HeaderTime:
			exact = text
		case driver.HeaderNotBefore:
			due = text
		case headerSent, "x-delivery-count", "x-acquired-count", "x-stream-offset":
		default:
			if strings.HasPrefix(key, headerDelay) {
				continue
			}
			if !isText {
				text = render(value)
			}
			if m.Headers == nil { // Herald's own messages often have none of their own
				m.Headers = make([]driver.Header, 0, len(d.Headers))
			}
			m.Headers = append(m.Headers, driver.Header{Key: strings.TrimPrefix(key, headerAs), Value: text})
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, exact); err == nil {
		m.Time = t
	}
	if t, err := time.Parse(time.RFC3339Nano, due); err == nil {
		m.NotBefore, m.Headers = t, withoutDeaths(m.Headers)
	}
	m.Slot = slotOf(slot, m.Key)
	m.Headers = foreignProperties(m.Headers, d)
	return m
}

// slotOf reads a slot, or takes the key's own.
func slotOf(text, key string) uint8 {
	if n, err := strconv.ParseUint(text, 10, 8); err == nil && n < driver.Slots {
		return uint8(n)
	}
	return driver.Slot(key)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// withoutDeaths takes out what the broker wrote when a delayed message went from queue to queue.
func withoutDeaths(headers []driver.Header) []driver.Header {
	kept := headers[:0]
	for _, h := range headers {
		if h.Key == "x-death" || strings.HasPrefix(h.Key, "x-first-death-") || strings.HasPrefix(h.Key, "x-last-death-") {
			continue
		}
		kept = append(kept, h)
	}
	return kept
}

// foreignProperties appends the properties that Herald never writes, so that a stranger's message keeps them.
func foreignProperties(headers []driver.Header, d *amqp.Delivery) []driver.Header {
	if d.AppId == "" && d.ContentEncoding == "" && d.CorrelationId == "" && d.Expiration == "" && d.ReplyTo == "" && d.UserId == "" && d.Priority == 0 {
		return headers
	}
	for _, p := range [...]struct{ key, value string }{
		{"amqp-app-id", d.AppId},
		{"amqp-content-encoding", d.ContentEncoding},
		{"amqp-correlation-id", d.CorrelationId},
		{"amqp-expiration", d.Expiration},
		{"amqp-reply-to", d.ReplyTo},
		{"amqp-user-id", d.UserId},
	} {
		if p.value != "" {
			headers = append(headers, driver.Header{Key: p.key, Value: p.value})
		}
	}
	if d.Priority != 0 {
		headers = append(headers, driver.Header{Key: "amqp-priority", Value: strconv.Itoa(int(d.Priority))})
	}
	return headers
}

// deliveries is the broker's count of deliveries with this one; 0 where it does not count.
func deliveries(d *amqp.Delivery, counts bool) int {
	if !counts {
		return 0
	}
	n, _ := d.Headers["x-delivery-count"].(int64)
	return int(n) + 1
}

// sent is when the message was written; zero for a stranger's.
func sent(d *amqp.Delivery) int64 {
	ms, _ := d.Headers[headerSent].(int64)
	return ms
}
