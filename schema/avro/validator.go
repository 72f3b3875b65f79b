package avro

import (
	"fmt"
	"strconv"

	"github.com/herald-go/herald/schema"
)

// validator checks data against one schema.
type validator struct {
	root   *node
	header [headerSize]byte
	isBare bool
}

// Validate implements schema.Validator.
func (v *validator) Validate(data []byte) error {
	if !v.isBare {
		if got, ok := headerOf(data); !ok || got != v.header {
			return mismatch("", "fingerprint", wrongHeader(v.header, got, ok))
		}
		data = data[headerSize:]
	}
	return v.root.validate(data)
}

// headerOf returns the header of the single-object encoding, if data begins with one.
func headerOf(data []byte) (h [headerSize]byte, ok bool) {
	if len(data) < headerSize || data[0] != 0xC3 || data[1] != 0x01 {
		return h, false
	}
	return [headerSize]byte(data), true
}

func wrongHeader(want, got [headerSize]byte, ok bool) string {
	expected := fmt.Sprintf("the single-object encoding (C3 01) with the schema's fingerprint %X", want[2:])
	if ok {
		expected += fmt.Sprintf(", got %X", got[2:])
	}
	return expected
}

func mismatch(pointer, keyword, expected string) *schema.Error {
	return &schema.Error{Violations: []schema.Violation{{Pointer: pointer, Keyword: keyword, Expected: expected}}}
}

// validate checks a datum, which must end where data ends.
func (n *node) validate(data []byte) error {
	w := walk{data: data}
	bad := w.value(n, 0)
	if bad == nil && w.at < len(data) {
		bad = &broken{keyword: "length", expected: "the end of the data at byte " + strconv.Itoa(w.at)}
	}
	if bad == nil {
		return nil
	}
	return mismatch(bad.pointer(), bad.keyword, bad.expected)
}

// broken is where a walk ended. The tokens of its pointer are gathered on the way back, so that a walk that succeeds writes none.
type broken struct {
	keyword, expected string
	tokens            []string // the innermost first
}

func (b *broken) in(token string) *broken {
	b.tokens = append(b.tokens, token)
	return b
}

func (b *broken) pointer() string {
	p := ""
	for i := len(b.tokens) - 1; i >= 0; i-- {
		p = schema.Pointer(p, b.tokens[i])
	}
	return p
}
