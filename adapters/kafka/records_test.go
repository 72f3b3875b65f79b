package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// stored makes a batch as a broker keeps it: at an offset, by a producer, with flags.
func stored(t *testing.T, base, id int64, flags uint16, bodies ...string) []byte {
	t.Helper()
	var e encoder
	e.begin(nil, time.UnixMilli(stamped))
	for _, b := range bodies {
		e.add(&driver.Message{Body: []byte(b)}, unmarked, 1<<20)
	}
	b, err := e.finish(producer{id: id}, 0)
	if err != nil {
		t.Fatal(err)
	}
	b = b[4:]
	binary.BigEndian.PutUint64(b, uint64(base))
	binary.BigEndian.PutUint16(b[atAttributes:], flags)
	return summed(b)
}

func summed(b []byte) []byte {
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
	return b
}

// control makes a control batch: 0 aborts, 1 commits.
func control(t *testing.T, base, id int64, kind byte) []byte {
	t.Helper()
	b := make([]byte, batchHeader)
	rec := []byte{0, 0, 0, 8, 0, 0, 0, kind, 0, 0} // no attributes, time and offset as the batch, a key of 4 bytes, no value, no headers
	b = append(binary.AppendVarint(b, int64(len(rec))), rec...)
	binary.BigEndian.PutUint64(b, uint64(base))
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-12))
	b[atMagic] = magic2
	binary.BigEndian.PutUint16(b[atAttributes:], bitControl|bitTxn)
	binary.BigEndian.PutUint64(b[atProducer:], uint64(id))
	binary.BigEndian.PutUint32(b[atCount:], 1)
	return summed(b)
}

func TestRecords_PassOverWhatNobodySees(t *testing.T) {
	t.Parallel()
	empty := stored(t, 20, 1, 0, "gone")[:batchHeader]
	binary.BigEndian.PutUint32(empty[atLength:], batchHeader-12)
	binary.BigEndian.PutUint32(empty[atLastDelta:], 4)
	binary.BigEndian.PutUint32(empty[atCount:], 0)
	negative := slices.Clone(empty)
	binary.BigEndian.PutUint32(negative[atCount:], 0xffffffff)
	broken := stored(t, 30, 1, 0, "a", "b")
	broken[len(broken)-1] ^= 1
	old := stored(t, 30, 1, 0, "a")
	old[atMagic] = 1
	for name, c := range map[string]struct {
		data      []byte
		from      int64
		gone      []aborted
		want      []string
		next, bad int64
	}{
		"from the middle of a batch": {stored(t, 5, 1, 0, "a", "b", "c"), 6, nil, []string{"b", "c"}, 8, 0},
		"an empty batch":             {slices.Concat(summed(slices.Clone(empty)), stored(t, 25, 1, 0, "a")), 20, nil, []string{"a"}, 26, 0},
		"a negative count":           {slices.Concat(summed(negative), stored(t, 25, 1, 0, "a")), 20, nil, []string{"a"}, 26, 0},
		"a tail that was cut off":    {slices.Concat(stored(t, 1, 1, 0, "a"), stored(t, 2, 1, 0, "b")[:40]), 1, nil, []string{"a"}, 2, 0},
		"a broken checksum":          {slices.Concat(broken, stored(t, 32, 1, 0, "c")), 30, nil, []string{"c"}, 33, 2},
		"an old format":              {slices.Concat(old, stored(t, 31, 1, 0, "c")), 30, nil, []string{"c"}, 32, 1},
		"an aborted transaction": {
			slices.Concat(stored(t, 0, 7, bitTxn, "x"), stored(t, 1, 8, bitTxn, "a"), stored(t, 2, 7, bitTxn, "y"), control(t, 3, 7, 0),
				stored(t, 4, 7, bitTxn, "b"), control(t, 5, 8, 1), control(t, 6, 7, 1)),
			0,
			[]aborted{{7, 0}},
			[]string{"a", "b"},
			7, 0,
		},
		"nothing": {nil, 9, nil, nil, 9, 0},
	} {
		msgs, _, r := decode(c.data, c.from, c.gone...)
		var got []string
		for _, m := range msgs {
			got = append(got, string(m.Body))
		}
		if !slices.Equal(got, c.want) || r.next != c.next || r.bad != c.bad {
			t.Errorf("%s: read %q, next %d, %d bad, want %q, %d, %d", name, got, r.next, r.bad, c.want, c.next, c.bad)
		}
	}
}

func TestWhole_FindsWhatFollows(t *testing.T) {
	t.Parallel()
	full := slices.Concat(stored(t, 5, 1, 0, "a", "b"), stored(t, 9, 1, 0, "c"))
	data, next := whole(slices.Concat(full, stored(t, 10, 1, 0, "d")[:70]))
	if !reflect.DeepEqual(data, full) || next != 10 {
		t.Errorf("whole returns %d bytes and %d, want %d and 10", len(data), next, len(full))
	}
}

func TestPosition_ReadsBack(t *testing.T) {
	t.Parallel()
	text := string(position(nil, 3, 4711, stamped))
	if text != "3:4711:1750000000123" {
		t.Errorf("the position is %s; it is a wire format", text)
	}
	got, err := parsePosition(text)
	if want := (place{3, 4711, stamped}); err != nil || got != want {
		t.Errorf("parsePosition is %+v (%v), want %+v", got, err, want)
	}
	for _, bad := range []string{"", "1", "1:2", "a:1:2", "-1:1:2", "1:-1:2", "1:2:x", "1:2:3:4", "99999999999:1:1"} {
		if _, err := parsePosition(bad); err == nil {
			t.Errorf("%q is taken for a position", bad)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte("not a batch at all, but longer than a batch's header is: 61 bytes and more"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= batchHeader { // else the checksum hides the rest from the fuzzer
			data = slices.Clone(data)
			data[atMagic] = magic2
			binary.BigEndian.PutUint32(data[atLength:], uint32(len(data)-12))
			summed(data)
		}
		_, offsets, r := decode(data, 0, aborted{1, 0})
		if !slices.IsSorted(offsets) && len(offsets) > 0 && offsets[0] < 0 {
			t.Errorf("offsets %v", offsets)
		}
		if r.size() != 0 {
			t.Errorf("%d bytes are left", r.size())
		}
	})
}
