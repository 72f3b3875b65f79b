package avro

import (
	"fmt"
	"sync"

	"github.com/hamba/avro/v2"

	"github.com/herald-go/herald/schema"
)

// ContentType is the media type of what a Codec writes.
const ContentType = "application/avro"

// Codec encodes values of T in the single-object encoding: C3 01, the fingerprint of the schema, the datum. The fields of T are matched by the
// struct tag "avro". It is a data codec for pkg/messaging's DefineWith, and safe for concurrent use.
type Codec[T any] struct {
	api     avro.API
	own     *plan
	writers map[[headerSize]byte]*reading
	isBare  bool
	pool    *sync.Pool // of *avro.Writer
}

// reading is how data of one schema is read into a T.
type reading struct {
	plan   *plan
	schema avro.Schema // the writer's, resolved to the codec's own
}

// NewCodec returns the codec of a schema. Data that was written with one of the other schemas is read too, by Avro's rules of schema resolution;
// one that the rules can't resolve is refused here. Data of any other schema is refused when it is decoded.
func NewCodec[T any](s schema.Schema, writers ...schema.Schema) (*Codec[T], error) {
	own, err := compile(&s)
	if err != nil {
		return nil, fmt.Errorf("avro codec: %w", err)
	}
	c := &Codec[T]{
		// The library caches by fingerprints that leave out what other texts declare: a cache for each codec keeps them apart. Lengths are
		// checked against the data before the library sees it.
		api: avro.Config{MaxByteSliceSize: -1}.Freeze(), own: own,
		writers: map[[headerSize]byte]*reading{own.header: {own, own.schema}},
	}
	resolve := avro.NewSchemaCompatibility()
	for i := range writers {
		p, err := compile(&writers[i])
		if err != nil {
			return nil, fmt.Errorf("avro codec: %w", err)
		}
		if p.header == own.header {
			continue
		}
		resolved, err := resolve.Resolve(own.schema, p.schema)
		if err != nil {
			return nil, fmt.Errorf("avro codec: %s can't be read as %s: %w", writers[i].Source, s.Source, err)
		}
		c.writers[p.header] = &reading{p, resolved}
	}
	c.pool = &sync.Pool{New: func() any { return avro.NewWriter(nil, 512, avro.WithWriterConfig(c.api)) }}
	return c, nil
}

// Bare returns a codec like c that writes and reads the datum alone, without the header of the single-object encoding, for data that a
// registry's frame stands before. It reads data of its own schema only.
func (c *Codec[T]) Bare() *Codec[T] {
	bare := *c
	bare.isBare = true
	return &bare
}

// ContentType returns ContentType.
func (c *Codec[T]) ContentType() string { return ContentType }

// Marshal encodes v. The bytes are the caller's.
func (c *Codec[T]) Marshal(v T) ([]byte, error) {
	w, _ := c.pool.Get().(*avro.Writer)
	defer c.pool.Put(w)
	w.Reset(nil)
	w.Error = nil
	if !c.isBare {
		if _, err := w.Write(c.own.header[:]); err != nil {
			return nil, fmt.Errorf("encode avro: %w", err)
		}
	}
	w.WriteVal(c.own.schema, v)
	if w.Error != nil {
		return nil, fmt.Errorf("encode avro: %w", w.Error)
	}
	return append([]byte(nil), w.Buffer()...), nil
}

// Unmarshal decodes data into v. Data that does not fit the schema that its header names is a *schema.Error, and v is unchanged.
func (c *Codec[T]) Unmarshal(data []byte, v *T) error {
	if c.isBare {
		return c.read(c.writers[c.own.header], data, v)
	}
	header, ok := headerOf(data)
	r := c.writers[header]
	if r == nil {
		return mismatch("", "fingerprint", wrongHeader(c.own.header, header, ok))
	}
	return c.read(r, data[headerSize:], v)
}

// read decodes a datum, once it is checked.
func (c *Codec[T]) read(r *reading, datum []byte, v *T) error {
	if err := r.plan.root.validate(datum); err != nil {
		return err
	}
	if err := c.api.Unmarshal(r.schema, datum, v); err != nil {
		return fmt.Errorf("decode avro: %w", err)
	}
	return nil
}
