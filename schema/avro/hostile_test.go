package avro_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/avro"
)

func TestSchemasThatAreBombsAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"deep arrays":    {strings.Repeat(`{"type":"array","items":`, 10_000) + `"int"` + strings.Repeat(`}`, 10_000), "levels"},
		"deep brackets":  {strings.Repeat(`[`, 1_000_000), "levels"},
		"no JSON":        {`{"type":`, "JSON"},
		"a name alone":   {`shop.Order`, "JSON"},
		"unknown name":   {`{"type":"array","items":"shop.Nowhere"}`, "shop.Nowhere"},
		"negative fixed": {`{"type":"fixed","name":"F","size":-1}`, ""},
		"no type":        {`7`, ""},
		"empty":          {``, ""},
	} {
		_, err := avro.Compiler{}.Compile(text(tc.text))
		if !errors.Is(err, schema.ErrInvalidSchema) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

func varint(v int64) []byte { return binary.AppendVarint(nil, v) }

func TestDataThatIsABombIsRefusedAtLittleCost(t *testing.T) { // alone, since it counts what the process allocates
	const most = 1 << 20 // bytes
	const list = `{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`
	for name, tc := range map[string]struct {
		schema string
		data   []byte
	}{
		"a huge count of nulls":        {`{"type":"array","items":"null"}`, append(varint(1<<60), 0)},
		"many nulls":                   {`{"type":"array","items":"null"}`, append(varint(3_000_000), 0)},
		"many empty records":           {`{"type":"array","items":{"type":"record","name":"E","fields":[]}}`, bytes.Repeat(append(varint(1_000_000), 0), 2)},
		"a huge count of strings":      {`{"type":"array","items":"string"}`, append(varint(1<<40), 0)},
		"the most negative count":      {`{"type":"array","items":"null"}`, append(varint(-1<<63), 0)},
		"a negative block size":        {`{"type":"array","items":"int"}`, append(varint(-2), append(varint(-8), 2, 4, 0)...)},
		"a huge block size":            {`{"type":"array","items":"int"}`, append(varint(-2), append(varint(1<<62), 2, 4, 0)...)},
		"a huge string":                {`"string"`, varint(1 << 62)},
		"a negative length":            {`"bytes"`, varint(-5)},
		"a huge fixed":                 {`{"type":"fixed","name":"F","size":2147483647}`, []byte{1}},
		"a number without end":         {`"long"`, bytes.Repeat([]byte{0xff}, 1000)},
		"a number of 65 bits":          {`"long"`, append(bytes.Repeat([]byte{0xff}, 9), 2)},
		"a list too long":              {list, append(bytes.Repeat([]byte{2}, 100_000), 0)},
		"a record within itself":       {`{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}`, nil},
		"a count of keys without data": {`{"type":"map","values":"null"}`, varint(1 << 30)},
	} {
		v, err := avro.Compiler{Bare: true}.Compile(text(tc.schema))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		begin := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = v.Validate(tc.data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, schema.ErrMismatch) || time.Since(begin) > 30*time.Second {
			t.Errorf("%s: %.200v after %v", name, err, time.Since(begin))
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			t.Errorf("%s: %d bytes were allocated, want %d at most", name, used, most)
		}
	}
}

func TestTheCodecDecodesNothingThatWasNotChecked(t *testing.T) {
	t.Parallel()
	c := codec[[]string](t, text(`{"type":"array","items":"string"}`))
	good, err := c.Marshal([]string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		var got []string
		if err := c.Unmarshal(good[:i], &got); !errors.Is(err, schema.ErrMismatch) || got != nil {
			t.Errorf("%d bytes: %v, %v", i, got, err)
		}
	}
	bomb := append(bytes.Clone(good[:10]), varint(1<<40)...)
	var got []string
	if err := c.Unmarshal(bomb, &got); !errors.Is(err, schema.ErrMismatch) {
		t.Error(err)
	}
}

// FuzzValidate compiles any text, and walks over any data with what compiles.
func FuzzValidate(f *testing.F) {
	c := codec[Order](f, text(order))
	data, err := c.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(order), data[10:])
	f.Add([]byte(`{"type":"array","items":"null"}`), append(varint(1<<60), 0))
	f.Add([]byte(`{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}`), []byte{2, 2, 0})
	f.Fuzz(func(t *testing.T, schemaText, data []byte) {
		v, err := avro.Compiler{Bare: true}.Compile(text(string(schemaText)))
		if err != nil {
			if !errors.Is(err, schema.ErrInvalidSchema) {
				t.Fatal(err)
			}
			return
		}
		if err := v.Validate(data); err != nil && !errors.Is(err, schema.ErrMismatch) {
			t.Fatal(err)
		}
	})
}

// FuzzCodec decodes any data: what the check lets through, the library decodes.
func FuzzCodec(f *testing.F) {
	c := codec[Order](f, text(order))
	data, err := c.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var v Order
		if err := c.Unmarshal(data, &v); err != nil {
			if !errors.Is(err, schema.ErrMismatch) {
				t.Fatal(err)
			}
			return
		}
		if _, err := c.Marshal(v); err != nil {
			t.Fatal(err)
		}
	})
}
