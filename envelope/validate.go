package envelope

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// The longest values in bytes.
const (
	maxType        = 255
	maxContentType = 255 // RFC 6838 allows 127 + "/" + 127
	maxAttribute   = 1024
	maxTrace       = 8192 // W3C Baggage, section 3.3.2
	maxHeaderKey   = 128
)

const (
	wantType      = "expected [A-Za-z0-9._:/-]{1,255}"
	wantID        = "expected 1 to 1024 bytes of UTF-8 without control characters"
	wantHeaderKey = "expected a key of [a-z0-9._-]{1,128}"
	wantValue     = "expected a value of UTF-8 without CR, LF and NUL"
	wantYear      = "expected a year from 0 to 9999"
)

// Validate says whether the event can be published under these limits. The
// error is an *Error that wraps ErrInvalid or ErrTooLarge, names the field and
// says what was expected; it never holds data or values, except what an error
// given to Failed says. Validate allocates nothing for a valid event of up to
// 32 headers.
//
// Attributes are UTF-8 without control characters (C0 and DEL) and of bounded
// length, as Event says. An empty Source or a zero Time is valid: publishing
// fills them in. Header keys are unique, match [a-z0-9._-]{1,128} and are not
// reserved (see ReservedHeader); values are UTF-8 without CR, LF and NUL.
func (e *Event) Validate(l Limits) error {
	l = l.WithDefaults()
	if e.err != nil {
		return e.failure()
	}
	if err := e.validateAttributes(); err != nil {
		return err
	}
	if err := validateHeaders(e.Headers, l); err != nil {
		return err
	}
	if n := e.Size(); n > l.Message {
		return tooLarge("message", "bytes", n, l.Message)
	}
	return nil
}

func (e *Event) validateAttributes() *Error {
	if !validID(e.ID) {
		return invalid("eventId", wantID)
	}
	if !validType(e.Type) {
		return invalid("type", wantType)
	}
	if eventContentType(e.ContentType) {
		return invalid("contentType", "expected the type of the data, not "+ContentTypeEvent)
	}
	for _, a := range [...]struct {
		name, value string
		limit       int
	}{
		{"version", e.Version, maxAttribute},
		{"source", e.Source, maxAttribute},
		{"correlationId", e.CorrelationID, maxAttribute},
		{"causationId", e.CausationID, maxAttribute},
		{"key", e.Key, maxAttribute},
		{"contentType", e.ContentType, maxContentType},
		{"schema", e.Schema, maxAttribute},
		{"replyTo", e.ReplyTo, maxAttribute},
		{"traceparent", e.TraceParent, maxAttribute},
		{"tracestate", e.TraceState, maxTrace},
		{"baggage", e.Baggage, maxTrace},
	} {
		if !validText(a.value, a.limit) {
			return invalid(a.name, "expected at most "+strconv.Itoa(a.limit)+" bytes of UTF-8 without control characters")
		}
	}
	switch {
	case !validTime(e.Time):
		return invalid("timestamp", wantYear)
	case !validTime(e.ExpiresAt):
		return invalid("expiresAt", wantYear)
	case !validTime(e.DeliverAt):
		return invalid("deliverAt", wantYear)
	}
	return nil
}

func validateHeaders(hs Headers, l Limits) *Error {
	if err := l.headers(len(hs), headerBytes(hs)); err != nil {
		return err
	}
	for i := range hs {
		if !validHeaderKey(hs[i].Key) {
			return headerError(hs[i].Key, wantHeaderKey)
		}
		if ReservedHeader(hs[i].Key) {
			return headerError(hs[i].Key, "expected a key that is not reserved")
		}
		if !validValue(hs[i].Value) {
			return headerError(hs[i].Key, wantValue)
		}
	}
	if i := repeated(hs); i >= 0 {
		return headerError(hs[i].Key, "expected each key once")
	}
	return nil
}

// headerError quotes the key, cut short, because a wrong key may hold anything.
func headerError(key, reason string) *Error {
	if len(key) > maxHeaderKey {
		key = key[:maxHeaderKey]
	}
	return invalid("header "+strconv.Quote(key), reason)
}

// repeated returns the index of a header whose key an earlier one has, or -1.
func repeated(hs Headers) int {
	const few = 32
	if len(hs) > few {
		return repeatedOfMany(hs)
	}
	for i := 1; i < len(hs); i++ {
		if _, ok := hs[:i].Lookup(hs[i].Key); ok {
			return i
		}
	}
	return -1
}

func repeatedOfMany(hs Headers) int {
	seen := make(map[string]struct{}, len(hs))
	for i := range hs {
		if _, ok := seen[hs[i].Key]; ok {
			return i
		}
		seen[hs[i].Key] = struct{}{}
	}
	return -1
}

func validID(s string) bool { return s != "" && validText(s, maxAttribute) }

func validType(s string) bool {
	if s == "" || len(s) > maxType {
		return false
	}
	for i := range len(s) {
		if class[s[i]]&inType == 0 {
			return false
		}
	}
	return true
}

func validHeaderKey(s string) bool {
	if s == "" || len(s) > maxHeaderKey {
		return false
	}
	for i := range len(s) {
		if class[s[i]]&inKey == 0 {
			return false
		}
	}
	return true
}

func validText(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	all := byte(0xff)
	for i := range len(s) {
		all &= class[s[i]]
	}
	return all&inText != 0 && (all&inASCII != 0 || utf8.ValidString(s))
}

func validValue(s string) bool {
	all := byte(0xff)
	for i := range len(s) {
		all &= class[s[i]]
	}
	return all&inValue != 0 && (all&inASCII != 0 || utf8.ValidString(s))
}

// validTime reports whether RFC 3339 can write the time in UTC.
func validTime(t time.Time) bool {
	if t.IsZero() {
		return true
	}
	y := t.UTC().Year()
	return y >= 0 && y <= 9999
}

// The sets that a byte may be in.
const (
	inType byte = 1 << iota
	inKey
	inText
	inValue
	inASCII
	inString // stands for itself in a JSON string
)

var class = classes()

func classes() (t [256]byte) {
	for i := range t {
		c := byte(i)
		lower := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if c < utf8.RuneSelf {
			t[i] |= inASCII
		}
		if c != '\r' && c != '\n' && c != 0 {
			t[i] |= inValue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			t[i] |= inString
		}
		if c >= ' ' && c != 0x7f {
			t[i] |= inText
		}
		if lower || c == '.' || c == '_' || c == '-' {
			t[i] |= inKey | inType
		}
		if c >= 'A' && c <= 'Z' || c == ':' || c == '/' {
			t[i] |= inType
		}
	}
	return t
}
