package heraldwatermill

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"
)

var errMsgpack = errors.New("it is no MessagePack map of strings")

// packMap writes metadata in MessagePack (github.com/msgpack/msgpack/blob/master/spec.md), the keys sorted; no metadata are no bytes, as
// watermill-redisstream has it.
func packMap(md message.Metadata) (string, error) {
	if len(md) == 0 {
		return "", nil
	}
	var b []byte
	switch n := len(md); {
	case n < 16:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0xde), uint16(n)) //nolint:gosec // checked above
	default:
		return "", errors.New("too many metadata")
	}
	for _, key := range slices.Sorted(maps.Keys(md)) {
		b = packString(packString(b, key), md[key])
	}
	return string(b), nil
}

func packString(b []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		b = append(b, 0xa0|byte(n))
	case n < 1<<8:
		b = append(b, 0xd9, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0xda), uint16(n)) //nolint:gosec // checked above
	default:
		b = binary.BigEndian.AppendUint32(append(b, 0xdb), uint32(n)) //nolint:gosec // events are smaller than 4 GiB
	}
	return append(b, s...)
}

// unpackMap reads what packMap, or another writer of MessagePack, has written.
func unpackMap(s string) (message.Metadata, error) {
	md := message.Metadata{}
	if s == "" || s == "\xc0" { // nil
		return md, nil
	}
	n, rest, ok := unpackLength(s, 0x80, 0x0f, 0, 0xde, 0xdf)
	if !ok || n > len(rest)/2 {
		return nil, errMsgpack
	}
	for range n {
		var key, value string
		if key, rest, ok = unpackString(rest); ok {
			value, rest, ok = unpackString(rest)
		}
		if !ok {
			return nil, errMsgpack
		}
		md[key] = value
	}
	if rest != "" {
		return nil, errMsgpack
	}
	return md, nil
}

func unpackString(s string) (value, rest string, ok bool) {
	n, rest, ok := unpackLength(s, 0xa0, 0x1f, 0xd9, 0xda, 0xdb)
	if !ok {
		n, rest, ok = unpackLength(s, 0, 0, 0xc4, 0xc5, 0xc6) // binary, which some write for strings
	}
	if !ok || n > len(rest) {
		return "", "", false
	}
	return rest[:n], rest[n:], true
}

// unpackLength reads a length: in the low bits of the first byte where the high ones are fix, or in the one, two or four bytes after it. A
// zero marker is none.
func unpackLength(s string, fix, mask, one, two, four byte) (n int, rest string, ok bool) {
	if s == "" {
		return 0, "", false
	}
	c := s[0]
	size := 0
	switch {
	case mask != 0 && c&^mask == fix:
		return int(c & mask), s[1:], true
	case one != 0 && c == one:
		size = 1
	case c == two:
		size = 2
	case c == four:
		size = 4
	}
	if size == 0 || len(s) < 1+size {
		return 0, "", false
	}
	for _, b := range []byte(s[1 : 1+size]) {
		n = n<<8 | int(b)
	}
	return n, s[1+size:], true
}
