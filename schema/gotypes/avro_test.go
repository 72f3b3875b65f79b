package gotypes_test

import (
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/avro"
	"github.com/herald-go/herald/schema/gotypes/testdata/generated"
)

func TestTypesOfAnAvroSchemaGoThroughItsCodec(t *testing.T) {
	t.Parallel()
	var s schema.Schema
	for _, one := range folder(t) {
		if one.Ref.Type == "payment.taken" {
			s = one.Schema
		}
	}
	codec, err := avro.NewCodec[generated.PaymentTaken](s)
	if err != nil {
		t.Fatal(err)
	}
	note := "thanks"
	want := generated.PaymentTaken{
		OrderID: "0190b5a2-7e4b-7c3d-9f21-000000000001", Amount: big.NewRat(1250, 100), At: time.UnixMilli(1_700_000_000_123).UTC(),
		Method: generated.PaymentTakenMethodCASH, Tries: 3, Rate: 0.5, Note: &note, Hash: [4]byte{1, 2, 3, 4},
		Parts:  []generated.PaymentTakenPart{{Cents: 5, Method: generated.PaymentTakenMethodCARD, Then: &generated.PaymentTakenPart{Method: generated.PaymentTakenMethodCARD}}},
		Labels: map[string]string{"a": "b"}, Either: int64(7), Raw: []byte{9},
	}
	data, err := codec.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got generated.PaymentTaken
	if err := codec.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
