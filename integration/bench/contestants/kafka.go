package contestants

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/bench/contest"
)

const (
	kafkaPartitions = 4
	kafkaBatch      = 1000
	kafkaMaxMessage = 4 << 20 // of topics that are made for large events
	kafkaFetch      = 10 << 20
)

// kafkaClient is a client for administration, which asks for the task's topics alone.
func kafkaClient(t *contest.Task) (c *kafkago.Client, done func()) {
	transport := &kafkago.Transport{Dial: t.Dialer(), MetadataTopics: t.AllTopics()}
	return &kafkago.Client{Addr: kafkago.TCP(t.Addr), Timeout: time.Minute, Transport: transport}, transport.CloseIdleConnections
}

// fewTopics is how many topics, or groups, are few: above it topics have one partition each, since a broker makes some hundred partitions a second.
const fewTopics = 10

// partitionsOf is how many partitions the task's topics have.
func partitionsOf(t *contest.Task) int {
	if max(t.Params.Topics, t.Params.Groups) > fewTopics {
		return 1
	}
	return kafkaPartitions
}

// makeTopics creates the task's topics.
func makeTopics(ctx context.Context, t *contest.Task, partitions int) error {
	c, done := kafkaClient(t)
	defer done()
	req := &kafkago.CreateTopicsRequest{}
	for _, name := range t.AllTopics() {
		topic := kafkago.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}
		if t.Params.Size > 900_000 {
			topic.ConfigEntries = []kafkago.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: fmt.Sprint(kafkaMaxMessage)}}
		}
		req.Topics = append(req.Topics, topic)
	}
	res, err := c.CreateTopics(ctx, req)
	if err != nil {
		return err
	}
	for _, err := range res.Errors {
		if err != nil {
			return err
		}
	}
	return leaders(ctx, c, t)
}

// leaders waits until every partition has a leader that serves.
func leaders(ctx context.Context, c *kafkago.Client, t *contest.Task) error {
	for ctx.Err() == nil {
		meta, err := c.Metadata(ctx, &kafkago.MetadataRequest{Topics: t.AllTopics()})
		if err == nil && led(meta.Topics, len(t.AllTopics())) && opened(ctx, c, meta.Topics) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return context.Cause(ctx)
}

func led(topics []kafkago.Topic, want int) bool {
	for _, topic := range topics {
		if topic.Error != nil {
			return false
		}
		for _, p := range topic.Partitions {
			if p.Error != nil || p.Leader.Host == "" {
				return false
			}
		}
	}
	return len(topics) == want
}

// opened reports whether the leaders know that they lead: what they answer before that confuses some clients.
func opened(ctx context.Context, c *kafkago.Client, topics []kafkago.Topic) bool {
	req := &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{}}
	for _, topic := range topics {
		for _, p := range topic.Partitions {
			req.Topics[topic.Name] = append(req.Topics[topic.Name], kafkago.FirstOffsetOf(p.ID))
		}
	}
	res, err := c.ListOffsets(ctx, req)
	if err != nil {
		return false
	}
	for _, partitions := range res.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return false
			}
		}
	}
	return true
}

// dropTopics deletes all topics that have the task's name in theirs.
func dropTopics(ctx context.Context, t *contest.Task) error {
	transport := &kafkago.Transport{Dial: t.Dialer(), MetadataTopics: t.AllTopics()}
	defer transport.CloseIdleConnections()
	c := &kafkago.Client{Addr: kafkago.TCP(t.Addr), Timeout: time.Minute, Transport: transport}
	conn, err := (&kafkago.Dialer{DialFunc: t.Dialer()}).DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	partitions, err := conn.ReadPartitions()
	if err != nil {
		return err
	}
	var names []string
	seen := map[string]bool{}
	for _, p := range partitions {
		if strings.Contains(p.Topic, t.Topic) && !seen[p.Topic] {
			seen[p.Topic] = true
			names = append(names, p.Topic)
		}
	}
	_, err = c.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: names})
	return err
}

// record carries what Herald's records carry.
func record(t *contest.Task, events *contest.Events, i int) kafkago.Message {
	return kafkago.Message{Topic: t.TopicOf(i), Key: []byte(events.Key(i)), Value: events.Body(i), Headers: []kafkago.Header{
		{Key: "herald-id", Value: []byte("0198f3c2-7c3e-7d11-9f00-0123456789ab")},
		{Key: "herald-type", Value: []byte(eventType)},
		{Key: "herald-slot", Value: []byte("1")},
		{Key: "herald-time", Value: []byte("2026-01-02T15:04:05.123456789Z")},
		{Key: "content-type", Value: []byte(contentType)},
	}}
}

// kafkaWriter is kafka-go's Writer and Reader.
type kafkaWriter struct{ tuned bool }

// Profile implements contest.Contestant.
func (k kafkaWriter) Profile() contest.Profile {
	p := contest.Profile{
		Name: "kafka-go Writer", Broker: "kafka", Library: "github.com/segmentio/kafka-go", Raw: true,
		Settings: "Writer with acks=all and a linger of 1 ms, not idempotent; Reader with a group, commits every 100 ms, waits of 500 ms",
	}
	if k.tuned {
		p.Name = "kafka-go tuned"
		p.Settings = "the same with batches of 1,000 or 1 MiB, Murmur2, a queue of 1,000 and fetches of 10 MiB"
	}
	return p
}

// Prepare implements contest.Contestant.
func (k kafkaWriter) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	return prepareKafka(ctx, t, events)
}

// prepareKafka makes the topics, and fills them by the client that is quickest.
func prepareKafka(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if err := makeTopics(ctx, t, partitionsOf(t)); err != nil {
		return err
	}
	return contest.Fill(ctx, kafkaProduce{}, t, events)
}

// Clean implements contest.Contestant.
func (kafkaWriter) Clean(ctx context.Context, t *contest.Task) error { return dropTopics(ctx, t) }

// Open implements contest.Contestant.
func (k kafkaWriter) Open(_ context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	transport := &kafkago.Transport{Dial: t.Dialer(), MetadataTopics: t.AllTopics()}
	w := &kafkago.Writer{
		Addr: kafkago.TCP(t.Addr), RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond, Transport: transport,
		Balancer: kafkago.Murmur2Balancer{},
	}
	if k.tuned {
		w.BatchSize, w.BatchBytes = kafkaBatch, 1<<20
	}
	if t.Params.Size > 100_000 {
		w.BatchBytes = kafkaMaxMessage
	}
	return &writerSession{w: w, transport: transport, t: t, events: events, tuned: k.tuned}, nil
}

type writerSession struct {
	w         *kafkago.Writer
	transport *kafkago.Transport
	t         *contest.Task
	events    *contest.Events
	tuned     bool
}

// Send implements contest.Session.
func (s *writerSession) Send(ctx context.Context, from, to int) error {
	msgs := make([]kafkago.Message, 0, to-from)
	for i := from; i < to; i++ {
		msgs = append(msgs, record(s.t, s.events, i))
	}
	return s.w.WriteMessages(ctx, msgs...)
}

// Stream implements contest.Session. Calls of a thousand follow each other, as many at once as there are partitions.
func (s *writerSession) Stream(ctx context.Context, from, to int) error {
	if s.t.Params.Window > 0 {
		return contest.Cannot("the Writer has no window")
	}
	errs := make([]error, kafkaPartitions)
	var wg sync.WaitGroup
	for p := range kafkaPartitions {
		wg.Go(func() {
			for i := from + p*kafkaBatch; i < to && errs[p] == nil; i += kafkaPartitions * kafkaBatch {
				errs[p] = s.Send(ctx, i, min(i+kafkaBatch, to))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Consume implements contest.Session.
func (s *writerSession) Consume(ctx context.Context, c contest.Consumption, ready func()) error {
	if c.Retries > 0 {
		return contest.Cannot("retries and dead letters are the program's to write")
	}
	cfg := kafkago.ReaderConfig{
		Brokers: []string{s.t.Addr}, GroupID: s.t.Topic + "." + c.Group, Topic: s.t.Topic, StartOffset: kafkago.FirstOffset,
		CommitInterval: 100 * time.Millisecond, MaxWait: 500 * time.Millisecond, Dialer: &kafkago.Dialer{DialFunc: s.t.Dialer(), Timeout: dialTime, DualStack: true},
	}
	if s.tuned {
		cfg.QueueCapacity, cfg.MinBytes, cfg.MaxBytes = s.t.Window(kafkaBatch), 1, kafkaFetch
	}
	r := kafkago.NewReader(cfg)
	ready() // the group starts at the oldest record: nothing is missed
	err := readGroup(ctx, r, c)
	if closing := r.Close(); err == nil {
		err = closing
	}
	return err
}

func readGroup(ctx context.Context, r *kafkago.Reader, c contest.Consumption) error {
	if c.Workers > 1 {
		return readLanes(ctx, r, c)
	}
	for {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return ended(ctx, err)
		}
		if err := c.Handle(m.Value); err != nil {
			return err
		}
	}
}

// ended forgives what the end of ctx has brought about.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// readLanes handles in lanes and commits what is finished from the front of each partition on.
func readLanes(ctx context.Context, r *kafkago.Reader, c contest.Consumption) error {
	type part struct {
		done *finished
		last int64
	}
	var mu sync.Mutex
	parts := map[int]*part{}
	l := newLanes(c.Workers, func(m kafkago.Message) {
		if c.Handle(m.Value) != nil {
			return
		}
		mu.Lock()
		p := parts[m.Partition]
		mu.Unlock()
		if upTo, grown := p.done.add(m.Offset, &p.last, ackEvery); grown {
			m.Offset = upTo
			_ = r.CommitMessages(ctx, m) // queued: the Reader commits by the clock
		}
	})
	defer l.close()
	for {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return ended(ctx, err)
		}
		mu.Lock()
		if parts[m.Partition] == nil {
			parts[m.Partition] = &part{done: newFinished(m.Offset), last: m.Offset - 1}
		}
		mu.Unlock()
		l.put(string(m.Key), m)
	}
}

// Close implements contest.Session.
func (s *writerSession) Close(context.Context) error {
	err := s.w.Close()
	s.transport.CloseIdleConnections()
	return err
}
