package avro_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/avro"
)

const order = `{"type":"record","name":"OrderPlaced","namespace":"shop","fields":[
	{"name":"id","type":"string"},
	{"name":"count","type":"int"},
	{"name":"paid","type":"boolean"},
	{"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID"]}},
	{"name":"note","type":["null","string"],"default":null},
	{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
		{"name":"sku","type":"string"},{"name":"price","type":"double"}]}}},
	{"name":"tags","type":{"type":"map","values":"long"}},
	{"name":"hash","type":{"type":"fixed","name":"Hash","size":4}}
]}`

type Item struct {
	SKU   string  `avro:"sku"`
	Price float64 `avro:"price"`
}

type Order struct {
	ID    string           `avro:"id"`
	Count int              `avro:"count"`
	Paid  bool             `avro:"paid"`
	State string           `avro:"state"`
	Note  *string          `avro:"note"`
	Items []Item           `avro:"items"`
	Tags  map[string]int64 `avro:"tags"`
	Hash  [4]byte          `avro:"hash"`
}

func sample() Order {
	note := "fragile"
	return Order{
		ID: "o-1", Count: 2, Paid: true, State: "PAID", Note: &note, Items: []Item{{"a", 1.5}, {"b", 2}},
		Tags: map[string]int64{"vip": 1}, Hash: [4]byte{1, 2, 3, 4},
	}
}

func text(s string, refs ...schema.Reference) schema.Schema {
	return schema.Schema{Format: schema.Avro, Text: []byte(s), Source: "order.placed/1.avsc", References: refs}
}

func codec[T any](t testing.TB, s schema.Schema, writers ...schema.Schema) *avro.Codec[T] {
	t.Helper()
	c, err := avro.NewCodec[T](s, writers...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The fingerprints of the Avro project's own test data for parsing canonical forms.
func TestFingerprintsAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]uint64{
		`"null"`: 0x63dd24e7cc258f8a, `{"type":"boolean"}`: 0x9f42fc78a4d4f764, `"int"`: 0x7275d51a3f395c8f, `{"type":"long"}`: 0xd054e14493f41db7,
		`"float"`: 0x4d7c02cb3ea8d790, `"double"`: 0x8e7535c032ab957e, `"bytes"`: 0x4fc016dac3201965, `"string"`: 0x8f014872634503c7,
	} {
		got, err := avro.Fingerprint(text(s))
		if err != nil || got != want {
			t.Errorf("%s: %x, %v, want %x", s, got, err, want)
		}
	}
}

func TestTheCanonicalFormHoldsWhatReferencesDeclare(t *testing.T) {
	t.Parallel()
	inline := `{"type":"record","name":"A","namespace":"n","doc":"dropped","fields":[
		{"name":"x","type":{"type":"record","name":"Money","fields":[{"name":"c","type":{"type":"int","logicalType":"date"}}]},"order":"ignore"},
		{"name":"y","type":["null","Money"]},{"name":"z","type":{"type":"array","items":{"type":"map","values":"n.Money"}}}]}`
	money := text(`{"type":"record","name":"Money","namespace":"n","fields":[{"name":"c","type":"int"}]}`)
	apart := text(`{"type":"record","name":"A","namespace":"n","fields":[{"name":"x","type":"Money"},{"name":"y","type":["null","Money"]},
		{"name":"z","type":{"type":"array","items":{"type":"map","values":"n.Money"}}}]}`, schema.Reference{Name: "n.Money", Schema: money})
	const want = `{"name":"n.A","type":"record","fields":[{"name":"x","type":{"name":"n.Money","type":"record","fields":[{"name":"c","type":"int"}]}},` +
		`{"name":"y","type":["null","n.Money"]},{"name":"z","type":{"type":"array","items":{"type":"map","values":"n.Money"}}}]}`
	for _, s := range []schema.Schema{text(inline), apart} {
		got, err := avro.Canonical(s)
		if err != nil || got != want {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
	}
}

// golden is sample in the single-object encoding.
const golden = "c301" + "fd8abf7e40ac194a" + "066f2d31" + "04" + "01" + "02" + "020e66726167696c65" +
	"0328" + "0261000000000000f83f" + "02620000000000000040" + "00" + "010a" + "0676697002" + "00" + "01020304"

func TestTheCodecWritesTheSingleObjectEncoding(t *testing.T) {
	t.Parallel()
	c := codec[Order](t, text(order))
	data, err := c.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := avro.Fingerprint(text(order))
	if err != nil {
		t.Fatal(err)
	}
	le := make([]byte, 0, 8)
	for i := range 8 {
		le = append(le, byte(fingerprint>>(8*i)))
	}
	if !bytes.HasPrefix(data, append([]byte{0xC3, 0x01}, le...)) || hex.EncodeToString(data) != golden {
		t.Errorf("%x\nwant %s", data, golden)
	}
	var got Order
	if err := c.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, sample()) {
		t.Errorf("%+v, %v", got, err)
	}
	if c.ContentType() != avro.ContentType {
		t.Error(c.ContentType())
	}
	v, err := avro.Compiler{}.Compile(text(order))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Validate(data); err != nil {
		t.Error(err)
	}
}

func TestABareCodecLeavesTheHeaderOut(t *testing.T) {
	t.Parallel()
	c := codec[Order](t, text(order))
	data, err := c.Bare().Marshal(sample())
	if err != nil || hex.EncodeToString(data) != golden[20:] {
		t.Errorf("%x, %v", data, err)
	}
	var got Order
	if err := c.Bare().Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, sample()) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := c.Bare().Unmarshal(data[1:], &got); !errors.Is(err, schema.ErrMismatch) {
		t.Error(err)
	}
	if err := c.Unmarshal(data, &got); !errors.Is(err, schema.ErrMismatch) {
		t.Error(err)
	}
}

func TestDataOfOtherSchemasIsReadOnlyWhenTheCodecKnowsThem(t *testing.T) {
	t.Parallel()
	v1 := text(`{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`)
	v2 := text(`{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"b","type":"string","default":"new"}]}`)
	type old struct {
		A int `avro:"a"`
	}
	type renewed struct {
		A int64  `avro:"a"`
		B string `avro:"b"`
	}
	data, err := codec[old](t, v1).Marshal(old{A: 7})
	if err != nil {
		t.Fatal(err)
	}
	var got renewed
	if err := codec[renewed](t, v2, v1).Unmarshal(data, &got); err != nil || got != (renewed{7, "new"}) {
		t.Errorf("%+v, %v", got, err)
	}
	var failed *schema.Error
	if err := codec[renewed](t, v2).Unmarshal(data, &got); !errors.As(err, &failed) || failed.Violations[0].Keyword != "fingerprint" {
		t.Error(err)
	}
	if _, err := avro.NewCodec[old](v1, text(`{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}`)); err == nil {
		t.Error("a writer that can't be resolved was taken")
	}
}

func TestAViolationNamesThePlaceAndWhatWasExpected(t *testing.T) {
	t.Parallel()
	v, err := avro.Compiler{Bare: true}.Compile(text(order))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ data, pointer, keyword, expected string }{
		"empty":                 {"", "/id", "length", "a length at byte 0"},
		"a string cut short":    {"0a6f", "/id", "length", "string that ends within the data at byte 1"},
		"a negative length":     {"01", "/id", "length", "string that ends within the data at byte 1"},
		"no UTF-8":              {"02ff", "/id", "type", "string of UTF-8 at byte 1"},
		"an int of 33 bits":     {"02618080808020", "/count", "type", "a number of 32 bits at byte 7"},
		"a boolean of 2":        {"02610202", "/paid", "type", "a boolean, 0 or 1, at byte 3"},
		"a symbol too high":     {"0261020104", "/state", "enum", "a symbol of shop.State, below 2, at byte 5"},
		"a branch too high":     {"026102010004", "/note", "union", "a branch of the union, below 2 at byte 6"},
		"an item cut short":     {"0261020100000202610000", "/items/0/price", "length", "double of 8 bytes at byte 9"},
		"a wrong block size":    {"02610201000001000261" + "0000000000000000" + "00", "/items", "length", "a block that ends at byte 8, not at byte 18"},
		"a map's value missing": {"0261020100000002067669", "/tags", "length", "a key that ends within the data at byte 9"},
		"bytes left over":       {"0261020100000000" + "01020304" + "ff", "", "length", "the end of the data at byte 12"},
	} {
		data, err := hex.DecodeString(tc.data)
		if err != nil {
			t.Fatal(err)
		}
		var failed *schema.Error
		want := schema.Violation{Pointer: tc.pointer, Keyword: tc.keyword, Expected: tc.expected}
		if err := v.Validate(data); !errors.As(err, &failed) || failed.Violations[0] != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
