package kafka

import (
	"bufio"
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"

	"github.com/herald-go/herald/pkg/driver"
)

// someAnswer is one for three partitions.
var someAnswer = []produce.ResponseTopic{
	{Topic: "a", Partitions: []produce.ResponsePartition{{Partition: 3, ErrorCode: 6, BaseOffset: 1, LogAppendTime: 2, LogStartOffset: 3}, {Partition: 1}}},
	{Topic: "b", Partitions: []produce.ResponsePartition{{Partition: 0, ErrorCode: -1}}},
}

// produced is an answer of the client library's making, without length and serial number.
func produced(t *testing.T, version int16, topics []produce.ResponseTopic) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := protocol.WriteResponse(&b, version, 1, &produce.Response{ThrottleTimeMs: 7, Topics: topics}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()[8:]
}

func TestShipment_ReadsAnswersOfEachVersion(t *testing.T) {
	t.Parallel()
	for version := int16(3); version <= newest[protocol.Produce]; version++ {
		answer := produced(t, version, someAnswer)
		s := newShipment()
		s.version = version
		r := bufio.NewReader(bytes.NewReader(answer))
		want := []shipped{{"a", 3, 6}, {"a", 1, 0}, {"b", 0, -1}}
		if err := s.answered(r, len(answer)); err != nil || !slices.Equal(s.verdicts, want) || r.Buffered() != 0 {
			t.Errorf("version %d: read %v (%v) with %d bytes left, want %v", version, s.verdicts, err, r.Buffered(), want)
		}
		for n := range answer[:len(answer)-4] {
			if err := s.answered(bufio.NewReader(bytes.NewReader(answer[:n])), n); !errors.Is(err, errProtocol) {
				t.Fatalf("version %d: %d of %d bytes are %v, want a broken answer", version, n, len(answer), err)
			}
		}
	}
}

func TestShipment_MakesNoGarbage(t *testing.T) {
	s, b := newShipment(), bytes.NewReader(nil)
	s.version = newest[protocol.Produce]
	one := produced(t, s.version, someAnswer[:1])
	r := bufio.NewReader(b)
	batches := []*batch{{part: &part{topic: "a", number: 3}, bytes: make([]byte, 100)}}
	var out bytes.Buffer
	n := testing.AllocsPerRun(100, func() {
		out.Reset()
		s.batches = batches
		if err := s.write(&out, 1); err != nil {
			t.Fatal(err)
		}
		b.Reset(one)
		r.Reset(b)
		if err := s.answered(r, len(one)); err != nil || len(s.verdicts) != 2 {
			t.Fatal(err, s.verdicts)
		}
	})
	if n > 0 {
		t.Errorf("a request with its answer makes %v allocations, want none", n)
	}
}

func TestVerdictOf_FindsAnswersInAnyOrder(t *testing.T) {
	t.Parallel()
	all := []shipped{{"a", 3, 6}, {"a", 1, 0}, {"b", 1, -1}}
	for _, c := range []struct {
		i        int
		topic    string
		number   int
		code     int16
		answered bool
	}{{0, "a", 3, 6, true}, {0, "b", 1, -1, true}, {2, "a", 1, 0, true}, {7, "b", 3, 0, false}} {
		code, answered := verdictOf(all, c.i, &part{topic: c.topic, number: c.number})
		if code != c.code || answered != c.answered {
			t.Errorf("batch %d of %s-%d: %d, %v, want %d, %v", c.i, c.topic, c.number, code, answered, c.code, c.answered)
		}
	}
}

func TestPublisher_OneCallerCostsOneRequestAndNoWait(t *testing.T) {
	t.Parallel()
	inBubble(t, 1, func(b *bench) {
		b.want(b.send("first"), driver.Stored)
		before, began := b.f.asked(), time.Now()
		for _, id := range []string{"a", "b", "c", "d"} {
			b.want(b.send(id), driver.Stored)
		}
		if n := b.f.asked() - before; n != 4 {
			b.t.Errorf("four events, one after the other, cost %d requests", n)
		}
		if took := time.Since(began); took != 0 {
			b.t.Errorf("they waited %v for something else than the broker", took)
		}
	})
}
