package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// laterScript stores a message until it is due. KEYS: the sorted set, and where the message goes then. ARGV: in how many ms, the message,
// whether that place must exist. A script is sent whole, since one that a server does not know yet would fail in the middle of a pipeline.
const laterScript = `if ARGV[3] == '1' and redis.call('EXISTS', KEYS[2]) == 0 then return false end
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], string.format('%.0f', t[1] * 1000 + math.ceil(t[2] / 1000) + ARGV[1]), ARGV[2])
return 'later'`

// delay is the command for a message that is due after left.
func delay(ctx context.Context, m *driver.Message, left time.Duration, later, stream string, must bool) *goredis.StringCmd {
	wait := left.Milliseconds()
	if left%time.Millisecond > 0 {
		wait++ // never early
	}
	exists := "0"
	if must {
		exists = "1"
	}
	return goredis.NewStringCmd(ctx, "eval", laterScript, 2, later, stream, wait, pack(m, time.Now()), exists)
}

// packPrefix is how many bytes stand before the fields of a message that waits: they make it one of its kind, and keep those that are due at
// the same time in the order in which they were sent.
const packPrefix = 16

// pack writes a message as the member of a sorted set: the time of sending in ns and eight random bytes, then the fields as a MessagePack
// array of strings, which the server's scripts can read.
func pack(m *driver.Message, now time.Time) []byte {
	fields := fieldsOf(m)
	size := packPrefix + 5
	for _, f := range fields {
		size += 5 + len(f)
	}
	b := make([]byte, 8, size)
	binary.BigEndian.PutUint64(b, uint64(now.UnixNano())) //nolint:gosec // after 1970
	b = b[:packPrefix]
	_, _ = rand.Read(b[8:]) // never fails
	const array32, str32 = 0xdd, 0xdb
	b = append(b, array32)
	b = binary.BigEndian.AppendUint32(b, uint32(len(fields))) //nolint:gosec // headers are bounded above
	for _, f := range fields {
		b = append(b, str32)
		b = binary.BigEndian.AppendUint32(b, uint32(len(f))) //nolint:gosec // below the largest message
		b = append(b, f...)
	}
	return b
}
