package contestants

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/herald-go/herald/integration/bench/contest"
)

// franz is franz-go: another client for Kafka, with nothing in between.
type franz struct{}

// Profile implements contest.Contestant.
func (franz) Profile() contest.Profile {
	return contest.Profile{
		Name: "franz-go", Broker: "kafka", Library: "github.com/twmb/franz-go",
		Settings: "acks=all, idempotent, no linger; group with marked commits",
	}
}

// Prepare implements contest.Contestant.
func (franz) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	return prepareKafka(ctx, t, events)
}

// Clean implements contest.Contestant.
func (franz) Clean(ctx context.Context, t *contest.Task) error { return dropTopics(ctx, t) }

func franzOptions(t *contest.Task) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(t.Addr), kgo.Dialer(t.Dialer()), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(1 << 20),
	}
	if t.Params.Size > 900_000 {
		opts = append(opts, kgo.ProducerBatchMaxBytes(kafkaMaxMessage))
	}
	if t.Params.Window > 0 {
		opts = append(opts, kgo.MaxBufferedRecords(t.Params.Window))
	}
	return opts
}

// Open implements contest.Contestant.
func (franz) Open(_ context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	c, err := kgo.NewClient(franzOptions(t)...)
	return &franzSession{c: c, t: t, events: events}, err
}

type franzSession struct {
	c      *kgo.Client
	t      *contest.Task
	events *contest.Events
}

func (s *franzSession) record(i int) *kgo.Record {
	return &kgo.Record{Topic: s.t.TopicOf(i), Key: []byte(s.events.Key(i)), Value: s.events.Body(i), Headers: []kgo.RecordHeader{
		{Key: "herald-id", Value: []byte("0198f3c2-7c3e-7d11-9f00-0123456789ab")},
		{Key: "herald-type", Value: []byte(eventType)},
		{Key: "herald-slot", Value: []byte("1")},
		{Key: "herald-time", Value: []byte("2026-01-02T15:04:05.123456789Z")},
		{Key: "content-type", Value: []byte(contentType)},
	}}
}

// Send implements contest.Session.
func (s *franzSession) Send(ctx context.Context, from, to int) error {
	records := make([]*kgo.Record, 0, to-from)
	for i := from; i < to; i++ {
		records = append(records, s.record(i))
	}
	return s.c.ProduceSync(ctx, records...).FirstErr()
}

// Stream implements contest.Session.
func (s *franzSession) Stream(ctx context.Context, from, to int) error {
	var first kgo.FirstErrPromise
	for i := from; i < to; i++ {
		s.c.Produce(ctx, s.record(i), first.Promise())
	}
	return first.Err()
}

// Consume implements contest.Session.
func (s *franzSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	if c.Retries > 0 {
		return contest.Cannot("retries and dead letters are the program's to write")
	}
	reader, err := kgo.NewClient(append(
		franzOptions(s.t), kgo.ConsumerGroup(s.t.Topic+"."+c.Group), kgo.ConsumeTopics(s.t.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(100*time.Millisecond), kgo.FetchMaxWait(500*time.Millisecond),
	)...)
	if err != nil {
		return err
	}
	defer reader.Close()
	ready() // the group starts at the oldest record: nothing is missed
	if c.Workers > 1 {
		return franzLanes(ctx, reader, c)
	}
	for {
		fetches := reader.PollFetches(ctx)
		if err := fetched(ctx, fetches); err != nil || ctx.Err() != nil {
			return err
		}
		for records := fetches.RecordIter(); !records.Done(); {
			r := records.Next()
			if err := c.Handle(r.Value); err != nil {
				return err
			}
			reader.MarkCommitRecords(r)
		}
	}
}

// fetched returns what went wrong, unless ctx has ended.
func fetched(ctx context.Context, fetches kgo.Fetches) error {
	if ctx.Err() != nil {
		return nil
	}
	var errs []error
	for _, e := range fetches.Errors() {
		errs = append(errs, e.Err)
	}
	return errors.Join(errs...)
}

// franzLanes handles in lanes and marks what is finished from the front of each partition on.
func franzLanes(ctx context.Context, reader *kgo.Client, c contest.Consumption) error {
	type part struct {
		done *finished
		last int64
	}
	var mu sync.Mutex
	parts := map[int32]*part{}
	l := newLanes(c.Workers, func(r *kgo.Record) {
		if c.Handle(r.Value) != nil {
			return
		}
		mu.Lock()
		p := parts[r.Partition]
		mu.Unlock()
		if upTo, grown := p.done.add(r.Offset, &p.last, ackEvery); grown {
			reader.MarkCommitRecords(&kgo.Record{Topic: r.Topic, Partition: r.Partition, LeaderEpoch: r.LeaderEpoch, Offset: upTo})
		}
	})
	defer l.close()
	for {
		fetches := reader.PollRecords(ctx, kafkaBatch)
		if err := fetched(ctx, fetches); err != nil || ctx.Err() != nil {
			return err
		}
		for records := fetches.RecordIter(); !records.Done(); {
			r := records.Next()
			mu.Lock()
			if parts[r.Partition] == nil {
				parts[r.Partition] = &part{done: newFinished(r.Offset), last: r.Offset - 1}
			}
			mu.Unlock()
			l.put(string(r.Key), r)
		}
	}
}

// Close implements contest.Session.
func (s *franzSession) Close(context.Context) error {
	s.c.Close()
	return nil
}
