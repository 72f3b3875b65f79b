package kafka

import (
	"bytes"
	"encoding/hex"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"github.com/herald-go/herald/pkg/driver"
)

// stamped is when test batches are written.
const stamped = 1_750_000_000_123

func sample() []*driver.Message {
	return []*driver.Message{
		{
			ID: "id-1", Type: "order.placed", Key: "Kunde/日本", ContentType: "application/json", Slot: driver.Slot("Kunde/日本"),
			Time: time.Date(2025, 6, 1, 12, 0, 0, 123456789, time.UTC), NotBefore: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC),
			Headers: []driver.Header{{Key: "tenant", Value: "acme"}, {Key: "empty", Value: ""}, {Key: "tenant", Value: "again"}},
			Body:    []byte(`{"n":1}`),
		},
		{Body: []byte{0, 1, 0xff}, Time: time.Date(1999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
		{ID: strings.Repeat("i", 300), Key: "k", Slot: driver.Slot("k"), Body: bytes.Repeat([]byte("large "), 5000), Time: time.UnixMilli(stamped).UTC()},
	}
}

func encode(t *testing.T, codec string, msgs ...*driver.Message) []byte {
	t.Helper()
	e := encoder{codec: compressionOf(codec)}
	e.begin(nil, time.UnixMilli(stamped))
	for _, m := range msgs {
		if !e.add(m, unmarked, 10<<20) {
			t.Fatalf("message %s finds no room", m.ID)
		}
	}
	b, err := e.finish(producer{id: 4711, epoch: 3}, 42)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decode reads what a partition holds into messages.
func decode(data []byte, from int64, gone ...aborted) (msgs []*driver.Message, offsets []int64, r *records) {
	walk := newRecords(data, from, gone)
	var rec record
	var d reader
	for walk.read(&rec) {
		m := &driver.Message{}
		d.fill(m, &rec)
		msgs, offsets = append(msgs, m), append(offsets, rec.offset)
	}
	return msgs, offsets, &walk
}

func TestBatch_ReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		want := sample()
		got, offsets, r := decode(encode(t, codec, want...)[4:], 0)
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(offsets, []int64{0, 1, 2}) || r.bad != 0 || r.next != 3 {
			t.Errorf("%s: read\n%+v at %v (%d bad, next %d), want\n%+v", codec, got, offsets, r.bad, r.next, want)
		}
	}
}

func TestBatch_IsWhatTheClientLibraryReads(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		var set protocol.RecordSet
		if _, err := set.ReadFrom(bytes.NewReader(encode(t, codec, sample()...))); err != nil {
			t.Fatalf("%s: %v", codec, err)
		}
		for i, m := range sample() {
			rec, err := set.Records.ReadRecord()
			if err != nil {
				t.Fatalf("%s: record %d: %v", codec, i, err)
			}
			value, err := io.ReadAll(rec.Value)
			if err != nil || !bytes.Equal(value, m.Body) || rec.Time.UnixMilli() != stamped || rec.Offset != int64(i) {
				t.Errorf("%s: record %d has %d bytes at %v, offset %d (%v)", codec, i, len(value), rec.Time, rec.Offset, err)
			}
			if (rec.Key == nil) != (m.Key == "") {
				t.Errorf("%s: record %d: a key is null exactly where there is none", codec, i)
			}
		}
	}
}

func TestBatch_WireForm(t *testing.T) {
	t.Parallel()
	golden(t, "batch.golden", hex.Dump(encode(t, "none", sample()[:2]...)))
}

func TestBatch_EndsAtItsLimit(t *testing.T) {
	t.Parallel()
	m := sample()[0]
	var e encoder
	e.begin(nil, time.UnixMilli(stamped))
	for e.add(m, unmarked, 1000) {
		continue
	}
	b, err := e.finish(producer{}, 0)
	if err != nil || len(b)-4 > 1000 || e.count < 2 {
		t.Errorf("a batch of %d records has %d bytes (%v), want some records in at most 1000", e.count, len(b)-4, err)
	}
	e.begin(nil, time.UnixMilli(stamped))
	if !e.add(m, unmarked, 10) {
		t.Error("an empty batch takes any one record")
	}
	if size := recordSize(m, unmarked); size != e.size() {
		t.Errorf("recordSize is %d, and the batch has %d bytes", size, e.size())
	}
	if got := len(e.out); !e.add(m, unmarked, 1000) || func() bool { e.undo(); return len(e.out) != got || e.count != 1 }() {
		t.Error("undo takes out the latest record alone")
	}
}

func TestSequence_WrapsAt31Bits(t *testing.T) {
	t.Parallel()
	if got := after(1<<31-2, 3); got != 1 {
		t.Errorf("after(2^31-2, 3) is %d, want 1", got)
	}
}

func TestMark_IsReadBack(t *testing.T) {
	t.Parallel()
	for k, want := range map[mark]fields{unmarked: {}, markDelayed: {delayed: true}, markDropped: {dropped: true}} {
		var e encoder
		e.begin(nil, time.UnixMilli(stamped))
		e.add(&driver.Message{ID: "x", Slot: 7}, k, 1000)
		b, err := e.finish(producer{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		r := newRecords(b[4:], 0, nil)
		var rec record
		var d reader
		var m driver.Message
		want.slotted = true
		if got, whole := func() (fields, bool) { r.read(&rec); return d.fill(&m, &rec) }(); got != want || !whole || m.Headers != nil {
			t.Errorf("the mark %d is read as %+v with headers %v, want %+v", k, got, m.Headers, want)
		}
	}
}

func TestFill_LeavesOutWhatIsBroken(t *testing.T) {
	t.Parallel()
	m := &driver.Message{Key: "k", Body: []byte("x"), Headers: []driver.Header{
		{Key: driver.HeaderTime, Value: "yesterday"}, {Key: driver.HeaderSlot, Value: "64"}, {Key: driver.HeaderNotBefore, Value: "?"}, {Key: "x", Value: "y"},
	}}
	var e encoder
	e.begin(nil, time.UnixMilli(stamped))
	m.Slot = 99
	e.add(m, unmarked, 1000)
	b, err := e.finish(producer{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ := decode(b[4:], 0)
	want := &driver.Message{Key: "k", Slot: driver.Slot("k"), Time: time.UnixMilli(stamped).UTC(), Body: []byte("x"), Headers: []driver.Header{{Key: "x", Value: "y"}}}
	if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}
