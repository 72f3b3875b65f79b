package rabbitmq

import (
	"encoding/base64"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// The flags of a content header's properties.
const (
	hasContentType     = 0x8000
	hasContentEncoding = 0x4000
	hasHeaders         = 0x2000
	hasDeliveryMode    = 0x1000
	hasPriority        = 0x0800
	hasCorrelationID   = 0x0400
	hasReplyTo         = 0x0200
	hasExpiration      = 0x0100
	hasMessageID       = 0x0080
	hasTimestamp       = 0x0040
	hasType            = 0x0020
	hasUserID          = 0x0010
	hasAppID           = 0x0008
)

// headerUnread holds, in base64, what follows in a table of headers behind what nobody can read.
const headerUnread = "amqp-headers-unread"

// properties reads a content header from the flags on: the text is the message's from then on, which points into it. It reports whether the
// header was whole; headers that can't be read do not make it less, since a length stands before them.
func (r *reading) properties(text string) bool {
	c := cursor[string]{b: text}
	flags := c.number(2)
	has := func(flag uint64) bool { return flags&flag != 0 }
	str := func(flag uint64) string {
		if !has(flag) {
			return ""
		}
		return c.short()
	}
	r.msg.ContentType = str(hasContentType)
	r.foreign.encoding = str(hasContentEncoding)
	var table string
	if has(hasHeaders) {
		table = c.long()
	}
	if has(hasDeliveryMode) {
		c.u8()
	}
	if has(hasPriority) {
		r.foreign.priority = c.u8()
	}
	r.foreign.correlation = str(hasCorrelationID)
	r.foreign.replyTo = str(hasReplyTo)
	r.foreign.expiration = str(hasExpiration)
	r.msg.ID = str(hasMessageID)
	if has(hasTimestamp) {
		r.msg.Time = time.Unix(int64(c.number(8)), 0) //nolint:gosec // a number with a sign
	}
	r.msg.Type = str(hasType)
	r.foreign.user = str(hasUserID)
	r.foreign.app = str(hasAppID)
	r.table(table)
	r.end()
	return !c.bad
}

// table reads the headers.
func (r *reading) table(text string) {
	c := cursor[string]{b: text}
	for len(c.b) > 0 {
		rest := c.b
		key, kind := c.short(), c.u8()
		switch kind {
		case 'S':
			if value := c.long(); !c.bad {
				r.text(key, value)
			}
		case 'l':
			if n := c.number(8); !c.bad {
				r.number(key, int64(n)) //nolint:gosec // a number with a sign
			}
		default:
			if value := c.field(kind, 0); !c.bad {
				r.other(key, value)
			}
		}
		if c.bad {
			r.add(driver.Header{Key: headerUnread, Value: base64.StdEncoding.EncodeToString([]byte(rest))})
			return
		}
	}
}
