package avro

import (
	"strconv"
	"unicode/utf8"

	"github.com/hamba/avro/v2"
)

// Bounds of data.
const (
	maxDepth  = 256
	maxValues = 4_000_000
	maxEmpty  = 10_000 // items that take no byte: their number is all that bounds them
)

// walk goes over the bytes of a datum.
type walk struct {
	data   []byte
	at     int
	values int
	empty  int
}

func (w *walk) bad(keyword, expected string) *broken {
	return &broken{keyword: keyword, expected: expected + " at byte " + strconv.Itoa(w.at)}
}

// value walks over one value.
func (w *walk) value(n *node, depth int) *broken {
	w.values++
	switch {
	case depth > maxDepth:
		return w.bad("limit", "at most "+strconv.Itoa(maxDepth)+" levels")
	case w.values > maxValues:
		return w.bad("limit", "at most "+strconv.Itoa(maxValues)+" values")
	}
	switch n.typ {
	case avro.Null:
		return nil
	case avro.Boolean:
		return w.boolean()
	case avro.Int, avro.Long:
		return w.number(n)
	case avro.Float:
		return w.skip(4, n)
	case avro.Double:
		return w.skip(8, n)
	case avro.Fixed:
		return w.skip(n.size, n)
	case avro.String, avro.Bytes:
		_, bad := w.text(n.typ == avro.String, n.name)
		return bad
	case avro.Enum:
		return w.index(n)
	}
	return w.compound(n, depth)
}

// compound walks over a value that holds others.
func (w *walk) compound(n *node, depth int) *broken {
	switch n.typ {
	case avro.Record, avro.Error:
		for i := range n.fields {
			if bad := w.value(n.fields[i].node, depth+1); bad != nil {
				return bad.in(n.fields[i].name)
			}
		}
		return nil
	case avro.Union:
		i, bad := w.long("a branch of the union")
		if bad != nil {
			return bad
		}
		if i < 0 || i >= int64(len(n.branches)) {
			return w.bad("union", "a branch of the union, below "+strconv.Itoa(len(n.branches)))
		}
		return w.value(n.branches[i], depth+1)
	case avro.Array, avro.Map:
		return w.blocks(n, depth)
	}
	return w.bad("type", "a type that can be read")
}

// blocks walks over the blocks of an array or a map.
func (w *walk) blocks(n *node, depth int) *broken {
	for at := int64(0); ; {
		count, bad := w.long("a count of items")
		switch {
		case bad != nil:
			return bad
		case count == 0:
			return nil
		}
		end := -1
		if count < 0 {
			if end, bad = w.blockEnd(); bad != nil {
				return bad
			}
			count = -count
		}
		if count < 0 || count > maxValues { // the most negative count is its own opposite
			return w.bad("limit", "at most "+strconv.Itoa(maxValues)+" items")
		}
		for range count {
			if bad := w.item(n, at, depth); bad != nil {
				return bad
			}
			at++
		}
		if end >= 0 && w.at != end {
			return w.bad("length", "a block that ends at byte "+strconv.Itoa(end)+", not")
		}
	}
}

// blockEnd reads the size of a block and returns where it ends.
func (w *walk) blockEnd() (int, *broken) {
	size, bad := w.long("a block's size")
	switch {
	case bad != nil:
		return 0, bad
	case size < 0 || size > int64(len(w.data)-w.at):
		return 0, w.bad("length", "a block's size within the data")
	}
	return w.at + int(size), nil
}

// item walks over one item of an array, or one entry of a map.
func (w *walk) item(n *node, i int64, depth int) *broken {
	from := w.at
	if n.typ == avro.Map {
		text, bad := w.text(true, "a key")
		if bad != nil {
			return bad
		}
		from = -1
		if bad := w.value(n.item, depth+1); bad != nil {
			return bad.in(clip(string(text)))
		}
	} else if bad := w.value(n.item, depth+1); bad != nil {
		return bad.in(strconv.FormatInt(i, 10))
	}
	if w.at == from {
		if w.empty++; w.empty > maxEmpty {
			return w.bad("limit", "at most "+strconv.Itoa(maxEmpty)+" items that take no byte")
		}
	}
	return nil
}

func (w *walk) boolean() *broken {
	if w.at >= len(w.data) || w.data[w.at] > 1 {
		return w.bad("type", "a boolean, 0 or 1,")
	}
	w.at++
	return nil
}

func (w *walk) number(n *node) *broken {
	v, bad := w.long("a number")
	if bad == nil && n.typ == avro.Int && int64(int32(v)) != v {
		return w.bad("type", "a number of 32 bits")
	}
	return bad
}

// index walks over the symbol of an enum.
func (w *walk) index(n *node) *broken {
	i, bad := w.long("a symbol")
	if bad == nil && (i < 0 || i >= int64(n.symbols)) {
		return w.bad("enum", "a symbol of "+n.name+", below "+strconv.Itoa(n.symbols)+",")
	}
	return bad
}

func (w *walk) skip(size int, n *node) *broken {
	if size > len(w.data)-w.at {
		return w.bad("length", n.name+" of "+strconv.Itoa(size)+" bytes")
	}
	w.at += size
	return nil
}

// text walks over a string or bytes.
func (w *walk) text(isText bool, name string) ([]byte, *broken) {
	size, bad := w.long("a length")
	if bad != nil {
		return nil, bad
	}
	if size < 0 || size > int64(len(w.data)-w.at) {
		return nil, w.bad("length", name+" that ends within the data")
	}
	text := w.data[w.at : w.at+int(size)]
	if isText && !utf8.Valid(text) {
		return nil, w.bad("type", name+" of UTF-8")
	}
	w.at += int(size)
	return text, nil
}

// long reads a variable-length zig-zag number of at most ten bytes.
func (w *walk) long(expected string) (int64, *broken) {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		if w.at >= len(w.data) {
			return 0, w.bad("length", expected)
		}
		b := w.data[w.at]
		w.at++
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(v>>1) ^ -int64(v&1), nil
		}
	}
	return 0, w.bad("type", expected+" of at most 64 bits")
}

func clip(s string) string { return s[:min(len(s), 100)] }
