package avro

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hamba/avro/v2"

	"github.com/herald-go/herald/schema"
)

// headerSize is the length of the single-object encoding's header: the marker C3 01 and the fingerprint. See the Avro specification,
// "Single-object encoding".
const headerSize = 10

// rabinEmpty is the fingerprint of nothing, by the Avro specification, "Schema Fingerprints".
const rabinEmpty = 0xc15d213aa4d7a795

var rabinTable = makeRabinTable()

func makeRabinTable() (table [256]uint64) {
	for i := range table {
		fp := uint64(i)
		for range 8 {
			fp = (fp >> 1) ^ (rabinEmpty & -(fp & 1))
		}
		table[i] = fp
	}
	return table
}

// Rabin returns the CRC-64-AVRO fingerprint of data, which the single-object encoding writes least significant byte first.
func Rabin(data []byte) uint64 {
	fp := uint64(rabinEmpty)
	for _, b := range data {
		fp = (fp >> 8) ^ rabinTable[byte(fp)^b]
	}
	return fp
}

// Fingerprint returns the CRC-64-AVRO fingerprint of a schema's Parsing Canonical Form, in which what it refers to stands in full where it is
// first used.
func Fingerprint(s schema.Schema) (uint64, error) {
	p, err := compile(&s)
	if err != nil {
		return 0, err
	}
	return Rabin([]byte(canonical(p.schema))), nil
}

// Canonical returns a schema's Parsing Canonical Form, by the Avro specification, "Transforming into Parsing Canonical Form".
func Canonical(s schema.Schema) (string, error) {
	p, err := compile(&s)
	if err != nil {
		return "", err
	}
	return canonical(p.schema), nil
}

// canonical is written here because the library's leaves out what other texts declare.
func canonical(s avro.Schema) string {
	w := writer{seen: make(map[string]bool)}
	w.schema(s)
	return w.String()
}

type writer struct {
	strings.Builder
	seen map[string]bool
}

func (w *writer) text(s string) {
	quoted, err := json.Marshal(s)
	if err != nil { // a string always marshals
		quoted = []byte(`""`)
	}
	_, _ = w.Write(quoted)
}

func (w *writer) schema(s avro.Schema) {
	if ref, ok := s.(*avro.RefSchema); ok {
		s = ref.Schema()
	}
	if named, ok := s.(avro.NamedSchema); ok {
		w.named(named)
		return
	}
	switch s := s.(type) {
	case *avro.ArraySchema:
		w.WriteString(`{"type":"array","items":`)
		w.schema(s.Items())
		w.WriteByte('}')
	case *avro.MapSchema:
		w.WriteString(`{"type":"map","values":`)
		w.schema(s.Values())
		w.WriteByte('}')
	case *avro.UnionSchema:
		w.WriteByte('[')
		for i, t := range s.Types() {
			w.comma(i)
			w.schema(t)
		}
		w.WriteByte(']')
	default:
		w.text(string(s.Type()))
	}
}

func (w *writer) comma(i int) {
	if i > 0 {
		w.WriteByte(',')
	}
}

// named writes a named type in full the first time, and its name from then on.
func (w *writer) named(s avro.NamedSchema) {
	if w.seen[s.FullName()] {
		w.text(s.FullName())
		return
	}
	w.seen[s.FullName()] = true
	w.WriteString(`{"name":`)
	w.text(s.FullName())
	switch s := s.(type) {
	case *avro.RecordSchema:
		w.WriteString(`,"type":"record","fields":[`)
		for i, f := range s.Fields() {
			w.comma(i)
			w.WriteString(`{"name":`)
			w.text(f.Name())
			w.WriteString(`,"type":`)
			w.schema(f.Type())
			w.WriteByte('}')
		}
		w.WriteByte(']')
	case *avro.EnumSchema:
		w.WriteString(`,"type":"enum","symbols":[`)
		for i, symbol := range s.Symbols() {
			w.comma(i)
			w.text(symbol)
		}
		w.WriteByte(']')
	case *avro.FixedSchema:
		w.WriteString(`,"type":"fixed","size":` + strconv.Itoa(s.Size()))
	}
	w.WriteByte('}')
}
