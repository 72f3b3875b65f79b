package kafka_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// transactor is a producer of another program's that writes in transactions to one partition.
type transactor struct {
	t        *testing.T
	client   *kafkago.Client
	topic    string
	id       string
	producer kafkago.ProducerSession
	sequence int32
	joined   bool
}

// transact begins a producer; an older one of the same name is fenced, and what it has open is aborted.
func transact(t *testing.T, b *brokers.Broker, topic, id string) *transactor {
	t.Helper()
	x := &transactor{t: t, client: bare(t, b), topic: topic, id: id}
	x.until("begin", func() error {
		res, err := x.client.InitProducerID(t.Context(), &kafkago.InitProducerIDRequest{
			TransactionalID: id, TransactionTimeoutMs: 60_000, ProducerID: -1, ProducerEpoch: -1,
		})
		if err != nil {
			return err
		}
		if res.Error == nil {
			x.producer = *res.Producer
		}
		return res.Error
	})
	return x
}

// until tries again while the broker says that the transactions' coordinator is busy or not there yet, and while the client has not heard of the topic.
func (x *transactor) until(doing string, f func() error) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return
		}
		if ctx.Err() != nil || !isBusy(err) {
			x.t.Fatalf("%s: %v", doing, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// isBusy reports whether an error says to try again. NotEnoughReplicas is what older clients are told where the partition's leader could not ask the
// coordinator about the transaction; nothing is stored then.
func isBusy(err error) bool {
	busy := []error{
		kafkago.ConcurrentTransactions, kafkago.GroupCoordinatorNotAvailable, kafkago.GroupLoadInProgress, kafkago.NotCoordinatorForGroup,
		kafkago.NotEnoughReplicas, kafkago.BrokerNotAvailable, protocol.ErrNoTopic,
	}
	return slices.ContainsFunc(busy, func(e error) bool { return errors.Is(err, e) })
}

// write writes records in the transaction that is open, and returns what the broker says.
func (x *transactor) write(bodies ...string) error {
	x.t.Helper()
	if !x.joined {
		x.until("add the partition", func() error {
			res, err := x.client.AddPartitionsToTxn(x.t.Context(), &kafkago.AddPartitionsToTxnRequest{
				TransactionalID: x.id, ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch,
				Topics: map[string][]kafkago.AddPartitionToTxn{x.topic: {{Partition: 0}}},
			})
			if err != nil {
				return err
			}
			return res.Topics[x.topic][0].Error
		})
		x.joined = true
	}
	var said error
	x.until("write", func() error {
		res, err := x.client.RawProduce(x.t.Context(), &kafkago.RawProduceRequest{
			Topic: x.topic, Partition: 0, RequiredAcks: kafkago.RequireAll, TransactionalID: x.id,
			RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(x.batch(bodies))},
		})
		if err == nil {
			err = res.Error
		}
		if isBusy(err) {
			return err
		}
		x.sequence += int32(len(bodies))
		said = err
		return nil
	})
	return said
}

// batch makes a set of one batch of the transaction, as Kafka's protocol has it.
func (x *transactor) batch(bodies []string) []byte {
	var records []byte
	for i, body := range bodies {
		rec := binary.AppendVarint([]byte{0, 0}, int64(i)) // no attributes, the batch's time
		rec = binary.AppendVarint(rec, -1)                 // no key
		rec = append(binary.AppendVarint(rec, int64(len(body))), body...)
		rec = binary.AppendVarint(rec, 0) // no headers
		records = append(binary.AppendVarint(records, int64(len(rec))), rec...)
	}
	const transactional, magic = 1 << 4, 2
	rest := binary.BigEndian.AppendUint16(nil, transactional)
	rest = binary.BigEndian.AppendUint32(rest, uint32(len(bodies)-1))
	now := uint64(time.Now().UnixMilli())
	rest = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(rest, now), now)
	rest = binary.BigEndian.AppendUint64(rest, uint64(x.producer.ProducerID))
	rest = binary.BigEndian.AppendUint16(rest, uint16(x.producer.ProducerEpoch))
	rest = binary.BigEndian.AppendUint32(rest, uint32(x.sequence))
	rest = append(binary.BigEndian.AppendUint32(rest, uint32(len(bodies))), records...)
	batch := binary.BigEndian.AppendUint32(nil, uint32(8+4+4+1+4+len(rest))) // the set's size
	batch = binary.BigEndian.AppendUint64(batch, 0)
	batch = binary.BigEndian.AppendUint32(batch, uint32(4+1+4+len(rest)))
	batch = append(binary.BigEndian.AppendUint32(batch, 0xffffffff), magic)
	batch = binary.BigEndian.AppendUint32(batch, crc32.Checksum(rest, crc32.MakeTable(crc32.Castagnoli)))
	return append(batch, rest...)
}

// end commits or aborts.
func (x *transactor) end(commit bool) {
	x.t.Helper()
	x.joined = false
	x.until("end", func() error {
		res, err := x.client.EndTxn(x.t.Context(), &kafkago.EndTxnRequest{
			TransactionalID: x.id, ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch, Committed: commit,
		})
		if err != nil {
			return err
		}
		return res.Error
	})
}

// Row 29: foreign transactions. What is aborted never reaches a handler, whether its producer says so or is fenced; what is committed does, in
// its place; and a transaction that is open holds up what comes after it.
func TestTransactions(t *testing.T) {
	b := shared(t)
	topic := matrix.Topic()
	cfg := messaging.Config{Topics: []messaging.Topic{{Name: topic, Partitions: 1, Groups: []string{"workers"}}}}
	broker, err := open(t.Context(), b, nil, messaging.WithConfig(cfg))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	var fenced atomic.Bool
	got := make(chan string, 100) // more than can come
	handler := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		if string(d.Data) == "after" && !fenced.Load() {
			got <- "too early"
		}
		got <- string(d.Data)
		return nil
	})
	_, err = broker.Subscribe(t.Context(), topic, handler, messaging.Group("workers"), messaging.Concurrency(1))
	must(t, err)
	plain := func(body string) {
		must(t, broker.Publish(t.Context(), topic, envelope.New("thing.done", []byte(body), envelope.ContentType("text/plain"))))
	}
	first := transact(t, b, topic, topic+".tx")
	must(t, first.write("committed 1", "committed 2"))
	first.end(true)
	must(t, first.write("aborted"))
	first.end(false)
	must(t, first.write("open, and then fenced"))
	plain("after")
	await(t, got, "committed 1", "committed 2")
	<-time.After(2 * time.Second) // as long as the transaction stays open
	fenced.Store(true)
	second := transact(t, b, topic, topic+".tx")
	await(t, got, "after")
	if err := first.write("of a fenced producer"); !errors.Is(err, kafkago.InvalidProducerEpoch) && !errors.Is(err, kafkago.ProducerFenced) {
		t.Errorf("the fenced producer's write says %v", err)
	}
	must(t, second.write("committed 3"))
	second.end(true)
	plain("last")
	await(t, got, "committed 3", "last")
}

// await demands what comes next.
func await(t *testing.T, got <-chan string, want ...string) {
	t.Helper()
	for _, body := range want {
		select {
		case next := <-got:
			if next != body {
				t.Fatalf("%q comes, want %q", next, body)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%q does not come", body)
		}
	}
}
