package kafka

import (
	"bytes"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"
)

// largestBatch guards against a small batch that claims to be a huge one.
const largestBatch = 256 << 20

// compressionOf returns the codec of Config.Compression, nil for none.
func compressionOf(name string) compress.Compression {
	var c compress.Compression
	if c.UnmarshalText([]byte(name)) != nil {
		return compress.None // the Config is checked
	}
	return c
}

// deflate appends the compressed form of src to dst.
func deflate(dst, src []byte, c compress.Compression) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	w := c.Codec().NewWriter(out)
	_, err := w.Write(src)
	if e := w.Close(); err == nil {
		err = e
	}
	return out.Bytes(), err
}

// inflate returns what a batch holds.
func inflate(src []byte, c compress.Compression) (_ []byte, err error) {
	codec := c.Codec()
	if codec == nil {
		return nil, fmt.Errorf("%w: unknown compression %d", errProtocol, int8(c))
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %s: %v", errProtocol, codec.Name(), p)
		}
	}()
	r := codec.NewReader(bytes.NewReader(src))
	var out bytes.Buffer
	out.Grow(4 * len(src))
	n, err := io.Copy(&out, io.LimitReader(r, largestBatch))
	if e := r.Close(); err == nil {
		err = e
	}
	if err == nil && n == largestBatch {
		err = fmt.Errorf("%w: more than %d bytes in one batch", errProtocol, largestBatch)
	}
	return out.Bytes(), err
}
