package confluent_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/confluent"
)

// The frames of the published wire format: 0, four bytes of id, and for Protobuf the indexes as zig-zag numbers.
func TestFramesAreThoseOfTheWireFormat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		id      int
		indexes []int
		want    string
	}{
		{1, nil, "0000000001"},
		{16909060, nil, "0001020304"},
		{2147483647, nil, "007fffffff"},
		{1, []int{0}, "000000000100"},
		{1, []int{1}, "00000000010202"},
		{1, []int{1, 0}, "0000000001040200"},
		{1, []int{2, 300, 1}, "000000000106" + "04" + "d804" + "02"},
	} {
		got, err := confluent.AppendFrame(nil, tc.id, tc.indexes)
		if err != nil || hex.EncodeToString(got) != tc.want {
			t.Errorf("%d %v: %x, %v, want %s", tc.id, tc.indexes, got, err, tc.want)
		}
		id, rest, err := confluent.CutFrame(append(got, "data"...))
		if err != nil || id != tc.id {
			t.Errorf("%x: %d, %v", got, id, err)
		}
		var indexes []int
		if tc.indexes != nil {
			indexes, rest, err = confluent.CutIndexes(rest)
		}
		if err != nil || string(rest) != "data" || !reflect.DeepEqual(indexes, tc.indexes) {
			t.Errorf("%x: %v, %q, %v", got, indexes, rest, err)
		}
	}
	for _, id := range []int{-1, 1 << 31} {
		if _, err := confluent.AppendFrame(nil, id, nil); err == nil {
			t.Errorf("the id %d was taken", id)
		}
	}
}

func TestUnframeTakesOnlyTheSchemasOwnFrame(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	k := client(t, confluent.Config{URL: f.URL})
	for _, r := range []schema.Ref{ref("payment.taken", "1"), ref("parcel.sent", "3")} {
		s, err := k.Schema(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		framed, err := k.Frame(t.Context(), r, s, []byte("data"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Unframe(t.Context(), r, s, framed); err != nil || string(got) != "data" {
			t.Errorf("%v: %q, %v", r, got, err)
		}
		other := bytes.Clone(framed)
		other[4]++
		for _, bad := range [][]byte{nil, []byte("data"), framed[:4], other, {1, 0, 0, 0, 1}, {0, 255, 255, 255, 255}} {
			if _, err := k.Unframe(t.Context(), r, s, bad); !errors.Is(err, schema.ErrMismatch) {
				t.Errorf("%v: %x: %v", r, bad, err)
			}
		}
	}
	parcel := ref("parcel.sent", "3")
	s, err := k.Schema(t.Context(), parcel)
	if err != nil {
		t.Fatal(err)
	}
	for text, isOK := range map[string]bool{
		"0001020304" + "00" + "61": true, "0001020304" + "0200" + "61": true, "0001020304" + "0202" + "61": false,
		"0001020304": false, "0001020304" + "01": false, "0001020304" + "ffffffff0f": false, "0001020304" + "04" + "00": false,
	} {
		data, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Unframe(t.Context(), parcel, s, data); (err == nil) != isOK || isOK && string(got) != "a" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func FuzzCutFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 2, 2, 97})
	f.Add([]byte{0, 1, 2, 3, 4, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		id, rest, err := confluent.CutFrame(data)
		if err != nil {
			return
		}
		indexes, rest, err := confluent.CutIndexes(rest)
		if err != nil {
			return
		}
		again, err := confluent.AppendFrame(nil, id, indexes)
		if err != nil {
			t.Fatal(err)
		}
		back, tail, err := confluent.CutFrame(append(again, rest...))
		if err != nil || back != id {
			t.Fatal(back, err)
		}
		if same, tail, err := confluent.CutIndexes(tail); err != nil || !reflect.DeepEqual(same, indexes) || !bytes.Equal(tail, rest) {
			t.Fatal(same, tail, err)
		}
	})
}
