package contestants

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/integration/bench/contest"
)

// redisBatch is how many commands a pipeline has, and how many entries a read asks for.
const redisBatch = 500

// redisRaw is the best that could be written on go-redis: pipelines, and one XACK for each read.
type redisRaw struct{}

// Profile implements contest.Contestant.
func (redisRaw) Profile() contest.Profile {
	return contest.Profile{
		Name: "go-redis", Broker: "redis", Library: "github.com/redis/go-redis/v9", Raw: true,
		Settings: "XADD in pipelines of 500; XREADGROUP COUNT 500, one XACK for each read",
	}
}

// redisClient opens a client with so many connections.
func redisClient(t *contest.Task, conns int) *goredis.Client {
	return goredis.NewClient(&goredis.Options{Addr: t.Addr, PoolSize: conns, Dialer: t.Dialer()})
}

// makeGroups makes the task's streams with their groups.
func makeGroups(ctx context.Context, t *contest.Task) error {
	c := redisClient(t, 1)
	defer func() { _ = c.Close() }()
	for _, topic := range t.AllTopics() {
		for _, group := range t.AllGroups() {
			if err := c.XGroupCreateMkStream(ctx, topic, group, "0").Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropKeys deletes all keys that have the task's name in theirs.
func dropKeys(ctx context.Context, t *contest.Task) error {
	c := redisClient(t, 1)
	defer func() { _ = c.Close() }()
	keys := c.Scan(ctx, 0, "*"+t.Topic+"*", 10_000).Iterator()
	for keys.Next(ctx) {
		if err := c.Unlink(ctx, keys.Val()).Err(); err != nil {
			return err
		}
	}
	return keys.Err()
}

// Prepare implements contest.Contestant.
func (r redisRaw) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if err := makeGroups(ctx, t); err != nil {
		return err
	}
	return contest.Fill(ctx, r, t, events)
}

// Clean implements contest.Contestant.
func (redisRaw) Clean(ctx context.Context, t *contest.Task) error { return dropKeys(ctx, t) }

// Open implements contest.Contestant.
func (redisRaw) Open(_ context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	return &redisSession{c: redisClient(t, min(t.Callers(), 64)+2), t: t, events: events}, nil
}

type redisSession struct {
	c      *goredis.Client
	t      *contest.Task
	events *contest.Events
	id     atomic.Int64
}

// entry carries what Herald's entries carry.
func (s *redisSession) entry(i int) *goredis.XAddArgs {
	return &goredis.XAddArgs{Stream: s.t.TopicOf(i), NoMkStream: true, Values: []any{
		"herald-id", strconv.FormatInt(s.id.Add(1), 10), "herald-type", eventType, "herald-key", s.events.Key(i), "herald-slot", "1",
		"herald-time", "2026-01-02T15:04:05.123456789Z", "content-type", contentType, "data", s.events.Body(i),
	}}
}

// Send implements contest.Session.
func (s *redisSession) Send(ctx context.Context, from, to int) error {
	if to-from == 1 {
		return s.c.XAdd(ctx, s.entry(from)).Err()
	}
	pipe := s.c.Pipeline()
	for i := from; i < to; i++ {
		pipe.XAdd(ctx, s.entry(i))
	}
	_, err := pipe.Exec(ctx)
	return err
}

// Stream implements contest.Session.
func (s *redisSession) Stream(ctx context.Context, from, to int) error {
	batch := min(redisBatch, s.t.Window(redisBatch))
	for i := from; i < to; i += batch {
		if err := s.Send(ctx, i, min(i+batch, to)); err != nil {
			return err
		}
	}
	return nil
}

// Consume implements contest.Session.
func (s *redisSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	if c.Retries > 0 {
		return contest.Cannot("retries and dead letters are the program's to write")
	}
	ready()
	var l *lanes[redisEntry]
	room := make(chan struct{}, s.t.Window(redisWindow)) // what is read and not acknowledged
	acks := make(chan string, cap(room))                 // as many as there is room for
	if c.Workers > 1 {
		l = newLanes(c.Workers, func(e redisEntry) {
			if c.Handle(e.body) == nil {
				acks <- e.id
			}
		})
	}
	acked := make(chan error, 1)
	go func() { acked <- s.ack(context.WithoutCancel(ctx), c.Group, acks, room) }()
	err := s.read(ctx, c, l, acks, room)
	if l != nil {
		l.close()
	}
	close(acks)
	return errors.Join(err, <-acked)
}

type redisEntry struct {
	id   string
	body []byte
}

// read reads as much as there is room for.
func (s *redisSession) read(ctx context.Context, c contest.Consumption, l *lanes[redisEntry], acks chan<- string, room chan struct{}) error {
	for ctx.Err() == nil {
		room <- struct{}{} // at least one
		<-room
		count := min(redisBatch, cap(room)-len(room))
		reply, err := s.c.XReadGroup(context.WithoutCancel(ctx), &goredis.XReadGroupArgs{
			Group: c.Group, Consumer: "c", Streams: []string{s.t.Topic, ">"}, Count: int64(count), Block: 100 * time.Millisecond,
		}).Result()
		if errors.Is(err, goredis.Nil) {
			continue
		}
		if err != nil {
			return err
		}
		for _, m := range reply[0].Messages {
			room <- struct{}{}
			body, _ := m.Values["data"].(string)
			e := redisEntry{m.ID, []byte(body)}
			if l != nil {
				key, _ := m.Values["herald-key"].(string)
				l.put(key, e)
				continue
			}
			if err := c.Handle(e.body); err != nil {
				return err
			}
			acks <- e.id
		}
	}
	return nil
}

// ack acknowledges what is there at once in one command.
func (s *redisSession) ack(ctx context.Context, group string, acks <-chan string, room <-chan struct{}) error {
	var failed error
	ids := make([]string, 0, redisBatch)
	for id := range acks {
		ids = append(ids[:0], id)
		for more := true; more && len(ids) < redisBatch; {
			select {
			case id, ok := <-acks:
				if more = ok; ok {
					ids = append(ids, id)
				}
			default:
				more = false
			}
		}
		if err := s.c.XAck(ctx, s.t.Topic, group, ids...).Err(); err != nil && failed == nil {
			failed = err
		}
		for range ids {
			<-room
		}
	}
	return failed
}

// Close implements contest.Session.
func (s *redisSession) Close(context.Context) error { return s.c.Close() }
