package envelope

import (
	"bytes"
	"hash/maphash"
	"slices"
	"unicode/utf8"
)

// scanner checks JSON text as RFC 8259 has it, and stricter: one value and
// nothing after it, valid UTF-8, no lone surrogates, no object with a member
// twice (compared after unescaping), no more levels than max. It copies
// nothing; its memory is 16 bytes per member of the objects that are open.
type scanner struct {
	src   []byte
	pos   int
	depth int
	max   int
	keys  []keyRef // members of the open objects, the innermost last
	seed  maphash.Seed

	reason string // why it stopped; pos is where
	deep   bool   // it stopped for the nesting limit
}

// keyRef is one member's key: its hash and where its text stands.
type keyRef struct {
	hash       uint64
	start, end int32
}

// seed is random, so that nobody can choose keys that collide.
var seed = maphash.MakeSeed()

// fewKeys is up to how many members an object's new key is compared with each
// of them; beyond, the keys are sorted once at the object's end.
const fewKeys = 16

// start prepares for src, and refuses invalid UTF-8: all else that a scanner
// looks at is then ASCII.
func (s *scanner) start(src []byte, nesting int) bool {
	s.src, s.pos, s.depth, s.max, s.seed = src, 0, 0, nesting, seed
	s.keys = s.keys[:0]
	if len(src) > 1<<31-1 {
		return s.fail("expected less than 2 GiB")
	}
	if !utf8.Valid(src) {
		return s.fail("expected valid UTF-8")
	}
	return true
}

func (s *scanner) fail(reason string) bool {
	if s.reason == "" {
		s.reason = reason
	}
	return false
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.src) {
		if c := s.src[s.pos]; !isSpace(c) {
			return c
		}
		s.pos++
	}
	return 0
}

// end reports whether nothing but white space is left.
func (s *scanner) end() bool {
	s.peek()
	if s.pos < len(s.src) {
		return s.fail("expected nothing after the value")
	}
	return true
}

// value passes over one value of any kind.
func (s *scanner) value() bool {
	switch c := s.peek(); {
	case c == '"':
		_, ok := s.str()
		return ok
	case c == '{':
		return s.object()
	case c == '[':
		return s.array()
	case c == '-' || c >= '0' && c <= '9':
		_, ok := s.number()
		return ok
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.fail("expected a value")
}

func (s *scanner) literal(text string) bool {
	if !bytes.HasPrefix(s.src[s.pos:], []byte(text)) {
		return s.fail("expected a value")
	}
	s.pos += len(text)
	return true
}

func (s *scanner) enter() bool {
	s.depth++
	if s.depth > s.max {
		s.deep = true
		return s.fail("expected less nesting")
	}
	s.pos++
	return true
}

func (s *scanner) array() bool {
	if !s.enter() {
		return false
	}
	if s.peek() == ']' {
		s.pos++
		s.depth--
		return true
	}
	for {
		if !s.value() {
			return false
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			s.depth--
			return true
		default:
			return s.fail("expected , or ]")
		}
	}
}

func (s *scanner) object() bool {
	o, ok := s.open()
	if !ok {
		return false
	}
	for {
		_, more, ok := s.member(&o)
		if !ok || !more {
			return ok
		}
		if !s.value() {
			return false
		}
	}
}

// members is an object being walked: where its keys begin in scanner.keys.
type members struct{ base int }

// open enters an object; the next byte must be its brace.
func (s *scanner) open() (members, bool) {
	if s.peek() != '{' {
		return members{}, s.fail("expected an object")
	}
	return members{base: len(s.keys)}, s.enter()
}

// member goes on to the object's next member and stops before its value, or
// past the object's end, where more is false.
func (s *scanner) member(o *members) (key span, more, ok bool) {
	c := s.peek()
	if c == '}' {
		s.pos++
		s.depth--
		return span{}, false, s.close(o)
	}
	if len(s.keys) > o.base {
		if c != ',' {
			return span{}, false, s.fail("expected , or }")
		}
		s.pos++
		c = s.peek()
	}
	if c != '"' {
		return span{}, false, s.fail("expected a member's name")
	}
	key, ok = s.str()
	if !ok || !s.remember(o, key) {
		return span{}, false, false
	}
	if s.peek() != ':' {
		return span{}, false, s.fail("expected :")
	}
	s.pos++
	return key, true, true
}

const duplicate = "expected each member once"

// remember adds the key to the object's, and refuses a second one among few.
func (s *scanner) remember(o *members, key span) bool {
	ref := keyRef{hash: s.hash(key), start: int32(key.start), end: int32(key.end)}
	if len(s.keys)-o.base < fewKeys {
		for _, k := range s.keys[o.base:] {
			if k.hash == ref.hash && s.sameKey(k, ref) {
				s.pos = key.start
				return s.fail(duplicate)
			}
		}
	}
	s.keys = append(s.keys, ref)
	return true
}

// close forgets the object's keys, and looks for duplicates among many.
func (s *scanner) close(o *members) bool {
	keys := s.keys[o.base:]
	s.keys = s.keys[:o.base]
	if len(keys) <= fewKeys {
		return true
	}
	slices.SortFunc(keys, func(a, b keyRef) int {
		switch {
		case a.hash < b.hash:
			return -1
		case a.hash > b.hash:
			return 1
		}
		return 0
	})
	for i := 1; i < len(keys); i++ {
		// Keys that differ and share a hash are too unlikely to look beyond a neighbour.
		if keys[i].hash == keys[i-1].hash && s.sameKey(keys[i], keys[i-1]) {
			s.pos = int(max(keys[i].start, keys[i-1].start))
			return s.fail(duplicate)
		}
	}
	return true
}

func (s *scanner) hash(key span) uint64 {
	if !key.escaped {
		return maphash.Bytes(s.seed, s.src[key.start:key.end])
	}
	var buf [64]byte
	return maphash.Bytes(s.seed, appendUnescaped(buf[:0], s.src[key.start:key.end]))
}

func (s *scanner) sameKey(a, b keyRef) bool {
	x := appendUnescaped(nil, s.src[a.start:a.end])
	y := appendUnescaped(nil, s.src[b.start:b.end])
	return bytes.Equal(x, y)
}

// span is where a string's text stands, without its quotes.
type span struct {
	start, end int
	escaped    bool
}

// str passes over a string; the next byte must be its quote.
func (s *scanner) str() (span, bool) {
	s.pos++
	at := span{start: s.pos}
	for {
		s.pos += plainRun(s.src[s.pos:])
		if s.pos >= len(s.src) {
			return span{}, s.fail("expected the string's end")
		}
		switch c := s.src[s.pos]; {
		case c == '"':
			at.end = s.pos
			s.pos++
			return at, true
		case c == '\\':
			at.escaped = true
			if !s.escape() {
				return span{}, false
			}
		default:
			return span{}, s.fail("expected control characters to be escaped")
		}
	}
}

// plainRun returns how many bytes stand for themselves in a string.
func plainRun(b []byte) int {
	for i, c := range b {
		if class[c]&inString == 0 {
			return i
		}
	}
	return len(b)
}

// escape passes over one escape sequence, or a pair of surrogates.
func (s *scanner) escape() bool {
	rest := s.src[s.pos:]
	if len(rest) < 2 {
		return s.fail("expected an escape sequence")
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		r, ok := hex4(rest)
		if !ok {
			return s.fail("expected four hexadecimal digits")
		}
		if r < 0xd800 || r > 0xdfff {
			s.pos += 6
			return true
		}
		if low, ok := hex4(rest[6:]); r > 0xdbff || !ok || low < 0xdc00 || low > 0xdfff {
			return s.fail("expected a pair of surrogates")
		}
		s.pos += 12
		return true
	}
	return s.fail("expected an escape sequence")
}

// number passes over a number and returns its text.
func (s *scanner) number() ([]byte, bool) {
	from := s.pos
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++
	} else if !s.digits() {
		return nil, false
	}
	if s.at('.') {
		s.pos++
		if !s.digits() {
			return nil, false
		}
	}
	if s.at('e') || s.at('E') {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return nil, false
		}
	}
	return s.src[from:s.pos], true
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.src) && s.src[s.pos] == c }

func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.src) && s.src[s.pos] >= '0' && s.src[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > from || s.fail("expected a digit")
}
