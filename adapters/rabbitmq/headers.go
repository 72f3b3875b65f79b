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

// slotTexts are the slots as headers carry them, made once since each would be an allocation.
var slotTexts = func() (all [driver.Slots]string) {
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

// reading is a message whose properties and headers are being read, whoever published it.
type reading struct {
	msg              *driver.Message
	slot, exact, due string
	sent             int64 // when the message was written; 0 for a stranger's
	count            int64 // how often the broker has delivered it before
	foreign          strange
}

// strange are properties that Herald never writes.
type strange struct {
	app, encoding, correlation, expiration, replyTo, user string
	priority                                              uint8
}

// decode turns a delivery of amqp091 into a message.
func decode(d *amqp.Delivery) *driver.Message {
	r := reading{msg: &driver.Message{ID: d.MessageId, Type: d.Type, ContentType: d.ContentType, Time: d.Timestamp, Body: d.Body}}
	for key, value := range d.Headers {
		switch v := value.(type) {
		case string:
			r.text(key, v)
		case int64:
			r.number(key, v)
		default:
			r.other(key, v)
		}
	}
	r.foreign = strange{
		app: d.AppId, encoding: d.ContentEncoding, correlation: d.CorrelationId, expiration: d.Expiration, replyTo: d.ReplyTo, user: d.UserId,
		priority: d.Priority,
	}
	r.end()
	return r.msg
}

// text takes a header that is text.
func (r *reading) text(key, value string) {
	m := r.msg
	switch key {
	case driver.HeaderID:
		m.ID = or(m.ID, value)
	case driver.HeaderType:
		m.Type = or(m.Type, value)
	case driver.HeaderContentType:
		m.ContentType = or(m.ContentType, value)
	case driver.HeaderKey:
		m.Key = value
	case driver.HeaderSlot:
		r.slot = value
	case driver.HeaderTime:
		r.exact = value
	case driver.HeaderNotBefore:
		r.due = value
	case headerSent:
		r.sent, _ = strconv.ParseInt(value, 10, 64) // none for what is no number
	default:
		r.user(key, value)
	}
}

// number takes a header that is a whole number of 64 bits.
func (r *reading) number(key string, value int64) {
	switch key {
	case "x-delivery-count":
		r.count = value
	default:
		r.other(key, value)
	}
}

// other takes a header of any other type. An attribute of the event in a type that Herald does not write says nothing, but for the key.
func (r *reading) other(key string, value any) {
	switch key {
	case driver.HeaderKey:
		r.msg.Key = render(value)
	case driver.HeaderID, driver.HeaderType, driver.HeaderContentType, driver.HeaderSlot, driver.HeaderTime, driver.HeaderNotBefore:
	default:
		r.user(key, render(value))
	}
}

// user takes a header that is none of Herald's.
func (r *reading) user(key, value string) {
	switch key {
	case headerSent, "x-delivery-count", "x-acquired-count", "x-stream-offset":
		return
	}
	if !strings.HasPrefix(key, headerDelay) {
		r.add(driver.Header{Key: strings.TrimPrefix(key, headerAs), Value: value})
	}
}

// usualHeaders is how many headers of its own a message has room for at first.
const usualHeaders = 8

func (r *reading) add(h driver.Header) {
	if r.msg.Headers == nil { // Herald's own messages often have none of their own
		r.msg.Headers = make([]driver.Header, 0, usualHeaders)
	}
	r.msg.Headers = append(r.msg.Headers, h)
}

// end makes the message from all that was read.
func (r *reading) end() {
	m := r.msg
	if r.exact != "" {
		if t, err := time.Parse(time.RFC3339Nano, r.exact); err == nil {
			m.Time = t
		}
	}
	if r.due != "" {
		if t, err := time.Parse(time.RFC3339Nano, r.due); err == nil {
			m.NotBefore, m.Headers = t, withoutDeaths(m.Headers)
		}
	}
	m.Slot = slotOf(r.slot, m.Key)
	r.strangers()
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

// strangers appends the properties that Herald never writes, so that a stranger's message keeps them.
func (r *reading) strangers() {
	if r.foreign == (strange{}) {
		return
	}
	for _, p := range [...]struct{ key, value string }{
		{"amqp-app-id", r.foreign.app},
		{"amqp-content-encoding", r.foreign.encoding},
		{"amqp-correlation-id", r.foreign.correlation},
		{"amqp-expiration", r.foreign.expiration},
		{"amqp-reply-to", r.foreign.replyTo},
		{"amqp-user-id", r.foreign.user},
	} {
		if p.value != "" {
			r.add(driver.Header{Key: p.key, Value: p.value})
		}
	}
	if n := r.foreign.priority; n != 0 {
		r.add(driver.Header{Key: "amqp-priority", Value: strconv.Itoa(int(n))})
	}
}

// sent is when the message was written; zero for a stranger's.
func sent(d *amqp.Delivery) int64 {
	text, _ := d.Headers[headerSent].(string)
	ms, _ := strconv.ParseInt(text, 10, 64) // none for what is no number
	return ms
}
