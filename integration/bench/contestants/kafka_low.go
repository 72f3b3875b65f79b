package contestants

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/bench/contest"
)

// kafkaProduce is kafka-go's Client.Produce, which encodes a batch for one partition.
type kafkaProduce struct{}

// Profile implements contest.Contestant.
func (kafkaProduce) Profile() contest.Profile {
	return contest.Profile{
		Name: "kafka-go Produce", Broker: "kafka", Library: "github.com/segmentio/kafka-go", Raw: true,
		Settings: "Client.Produce with acks=all, not idempotent, 1,000 records a call, one call at a time for each partition",
	}
}

// Prepare implements contest.Contestant.
func (kafkaProduce) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	return prepareKafka(ctx, t, events)
}

// Clean implements contest.Contestant.
func (kafkaProduce) Clean(ctx context.Context, t *contest.Task) error { return dropTopics(ctx, t) }

// Open implements contest.Contestant.
func (kafkaProduce) Open(_ context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	c, done := kafkaClient(t)
	return &produceSession{c: c, done: done, t: t, events: events}, nil
}

type produceSession struct {
	c      *kafkago.Client
	done   func()
	t      *contest.Task
	events *contest.Events
}

// partition is where Kafka's own hash puts a key among n.
func partition(key string, n int) int { return int(driver.Murmur2(key)&0x7fffffff) % n }

// Send implements contest.Session.
func (s *produceSession) Send(ctx context.Context, from, to int) error {
	if to-from == 1 {
		return s.produce(ctx, s.t.TopicOf(from), partition(s.events.Key(from), partitionsOf(s.t)), []kafkago.Record{s.one(from)})
	}
	return s.spread(ctx, from, to, to-from)
}

func (s *produceSession) one(i int) kafkago.Record {
	m := record(s.t, s.events, i)
	return kafkago.Record{Key: kafkago.NewBytes(m.Key), Value: kafkago.NewBytes(m.Value), Headers: m.Headers}
}

func (s *produceSession) produce(ctx context.Context, topic string, partition int, records []kafkago.Record) error {
	res, err := s.c.Produce(ctx, &kafkago.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	return res.Error
}

// A batch of records may have a megabyte by Kafka's own default, keys and headers included.
const (
	produceBytes   = 1 << 20
	recordOverhead = 256
)

// Stream implements contest.Session.
func (s *produceSession) Stream(ctx context.Context, from, to int) error {
	size := kafkaBatch
	if s.t.Params.Window > 0 {
		size = min(size, max(1, s.t.Params.Window/partitionsOf(s.t)))
	}
	size = min(size, max(1, produceBytes/(s.t.Params.Size+recordOverhead)))
	return s.spread(ctx, from, to, size)
}

// spread sends the records of each partition from a goroutine of its own, so many a call.
func (s *produceSession) spread(ctx context.Context, from, to, size int) error {
	errs := make([]error, partitionsOf(s.t))
	var wg sync.WaitGroup
	for p := range partitionsOf(s.t) {
		wg.Go(func() {
			batch := make([]kafkago.Record, 0, size)
			for i := from; i < to && errs[p] == nil; i++ {
				if partition(s.events.Key(i), partitionsOf(s.t)) != p {
					continue
				}
				if batch = append(batch, s.one(i)); len(batch) == size {
					errs[p] = s.produce(ctx, s.t.Topic, p, batch)
					batch = batch[:0]
				}
			}
			if len(batch) > 0 && errs[p] == nil {
				errs[p] = s.produce(ctx, s.t.Topic, p, batch)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Consume implements contest.Session.
func (s *produceSession) Consume(context.Context, contest.Consumption, func()) error {
	return contest.Cannot("it only publishes; see Reader and ReadBatch")
}

// Close implements contest.Session.
func (s *produceSession) Close(context.Context) error {
	s.done()
	return nil
}

// kafkaBatches is kafka-go's Conn.ReadBatchWith for each partition: the least that reading can cost, without a group.
type kafkaBatches struct{}

// Profile implements contest.Contestant.
func (kafkaBatches) Profile() contest.Profile {
	return contest.Profile{
		Name: "kafka-go ReadBatch", Broker: "kafka", Library: "github.com/segmentio/kafka-go", Raw: true,
		Settings: "ReadBatchWith of 1 MiB on one connection for each partition, with a buffer of 256 KiB", Weaker: "no group and no commits",
	}
}

// Prepare implements contest.Contestant.
func (kafkaBatches) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	return prepareKafka(ctx, t, events)
}

// Clean implements contest.Contestant.
func (kafkaBatches) Clean(ctx context.Context, t *contest.Task) error { return dropTopics(ctx, t) }

// Open implements contest.Contestant.
func (kafkaBatches) Open(_ context.Context, t *contest.Task, _ *contest.Events) (contest.Session, error) {
	return batchSession{t}, nil
}

type batchSession struct{ t *contest.Task }

const onlyReads = "it only reads; see Writer and Produce"

// Send implements contest.Session.
func (batchSession) Send(context.Context, int, int) error { return contest.Cannot(onlyReads) }

// Stream implements contest.Session.
func (batchSession) Stream(context.Context, int, int) error { return contest.Cannot(onlyReads) }

// Close implements contest.Session.
func (batchSession) Close(context.Context) error { return nil }

// Consume implements contest.Session.
func (s batchSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	if c.Workers > 1 || c.Retries > 0 {
		return contest.Cannot("a bare read, for handlers that do nothing")
	}
	ready()
	errs := make([]error, partitionsOf(s.t))
	var wg sync.WaitGroup
	for p := range partitionsOf(s.t) {
		wg.Go(func() { errs[p] = s.readPartition(ctx, p, c) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s batchSession) readPartition(ctx context.Context, p int, c contest.Consumption) error {
	dialer := &kafkago.Dialer{Timeout: dialTime, DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := s.t.Dialer()(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &buffered{Conn: conn, r: bufio.NewReaderSize(conn, 256<<10)}, nil
	}}
	conn, err := dialer.DialLeader(ctx, "tcp", s.t.Addr, s.t.Topic, p)
	if err != nil {
		return ended(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	for ctx.Err() == nil {
		if err := readBatch(conn, c); err != nil {
			return ended(ctx, err)
		}
	}
	return nil
}

func readBatch(conn *kafkago.Conn, c contest.Consumption) error {
	batch := conn.ReadBatchWith(kafkago.ReadBatchConfig{MinBytes: 1, MaxBytes: kafkaMaxMessage, MaxWait: 100 * time.Millisecond})
	for {
		m, err := batch.ReadMessage()
		if err == nil {
			err = c.Handle(m.Value)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, kafkago.RequestTimedOut) { // the latter is a batch without messages
			_ = batch.Close() // it repeats the error
			return nil
		}
		if err != nil {
			_ = batch.Close() // what went wrong before says more
			return err
		}
	}
}

// buffered reads through a buffer that is larger than the client's own.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

// Read implements net.Conn.
func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }
