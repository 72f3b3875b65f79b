package redis

import (
	"context"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// topic is what is known of one.
type topic struct {
	name       string
	born       bool // the number of partitions is fixed
	partitions int
	groups     bool // there is one
	limits     limits
	at         time.Time // when it was asked for
}

// limits bound what a topic keeps; zero is unbounded.
type limits struct {
	age          time.Duration
	bytes, count int64
}

func (l limits) none() bool { return l == limits{} }

// bearScript fixes the number of partitions, if it is not fixed yet, and returns it. A stream that strangers began has none.
var bearScript = goredis.NewScript(`
local n = redis.call('HGET', KEYS[1], 'partitions')
if not n then
  n = ARGV[1]
  if redis.call('EXISTS', KEYS[2]) == 1 then n = '0' end
  redis.call('HSET', KEYS[1], 'partitions', n)
end
return tonumber(n)
`)

// bear returns the number of partitions of a topic, which is wanted if it has none yet.
func (c *client) bear(ctx context.Context, name string, wanted int) (int, error) {
	reply, err := c.eval(ctx, bearScript, []string{topicKey(name), placeOf(name, -1).stream()}, wanted)
	n, _ := reply.(int64) // the script returns a number
	return int(n), err
}

// topic asks for a topic.
func (c *client) topic(ctx context.Context, name string) (topic, error) {
	t := topic{name: name, at: time.Now()}
	var fields []any
	err := c.do(ctx, topicKey(name), func(node *goredis.Client) (err error) {
		fields, err = node.HMGet(ctx, topicKey(name), fieldPartitions, fieldMaxAge, fieldMaxBytes, fieldMaxCount).Result()
		return err
	})
	if err != nil {
		return t, err
	}
	t.born = fields[0] != nil
	t.partitions = int(number(fields[0]))
	t.limits = limits{age: time.Duration(number(fields[1])) * time.Millisecond, bytes: number(fields[2]), count: number(fields[3])}
	groups, err := c.groups(ctx, places(name, t.partitions)[0].stream())
	switch {
	case err == nil:
		t.groups = len(groups) > 0
		t.born = t.born || groups != nil
	case says(err, "NOPERM", "WRONGTYPE"): // the stream alone decides, or the write tells
		t.groups = true
	default:
		return t, err
	}
	return t, nil
}

// groups returns the groups of a stream: nil where there is no stream.
func (c *client) groups(ctx context.Context, stream string) ([]goredis.XInfoGroup, error) {
	groups := []goredis.XInfoGroup{}
	err := c.do(ctx, stream, func(node *goredis.Client) error {
		found, err := node.XInfoGroups(ctx, stream).Result()
		groups = append(groups[:0], found...)
		return err
	})
	if says(err, "ERR no such key") {
		return nil, nil
	}
	return groups, err
}

// number reads a reply that is a number in any form; anything else is 0.
func number(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0
		}
		return n
	default:
		return 0
	}
}
