package envelope

import "bytes"

// Form says what a record was found to be. Further forms may be added; code
// that switches over forms needs a default case. Numbers are not stable across
// releases: store the name.
type Form uint8

const (
	// FormForeign is a message of someone else. Its event's id is the broker's
	// message id or the position, and is the same each time it is delivered.
	FormForeign Form = iota
	// FormForeignNoID is a message of someone else without either: its event's
	// id is random, so duplicates can't be recognised by it.
	FormForeignNoID
	// FormBinary is the marked binary form.
	FormBinary
	// FormJSON is the marked json form.
	FormJSON
	// FormBareJSON is the json form without any mark.
	FormBareJSON
	// FormCloudEvents is CloudEvents in binary mode.
	FormCloudEvents
	// FormCloudEventsJSON is CloudEvents in structured mode, as JSON.
	FormCloudEventsJSON
)

// String returns the form's name: "foreign", "foreign-no-id", "binary",
// "json", "bare-json", "cloudevents", "cloudevents-json".
func (f Form) String() string {
	switch f {
	case FormForeign:
		return "foreign"
	case FormForeignNoID:
		return "foreign-no-id"
	case FormBinary:
		return "binary"
	case FormJSON:
		return "json"
	case FormBareJSON:
		return "bare-json"
	case FormCloudEvents:
		return "cloudevents"
	case FormCloudEventsJSON:
		return "cloudevents-json"
	}
	return "unknown"
}

// Marked reports whether the form is a claim to be an event of this package or
// of CloudEvents, so that breaking it is an error.
func (f Form) Marked() bool {
	return f == FormBinary || f == FormJSON || f == FormCloudEvents || f == FormCloudEventsJSON
}

// TypeForeign is the type of a foreign event whose native type is missing or
// doesn't match the grammar of types.
const TypeForeign = "herald.foreign"

// Detect says what form a record has, without reading the whole of it:
//
//   - its content type is ContentTypeEvent: FormJSON;
//   - it has the header "herald": FormBinary;
//   - its content type, or without one its header content-type, is
//     ContentTypeCloudEvents: FormCloudEventsJSON;
//   - it has the header ce_specversion, in any of the prefixes that
//     CloudEvents knows: FormCloudEvents;
//   - its body begins with {"herald": and a digit: FormJSON. So documents are
//     recognised on a broker that carries a body only;
//   - its body begins with {"specversion":"1.0": FormCloudEventsJSON, for the
//     same reason;
//   - its body begins with { and holds "eventId" somewhere: FormBareJSON,
//     which is a guess until Decode has read all of it;
//   - else FormForeign or FormForeignNoID.
//
// It allocates nothing.
func Detect(r *Record) Form {
	if eventContentType(r.ContentType) {
		return FormJSON
	}
	contentType, cloudEvent := r.ContentType, false
	for i := range r.Headers {
		key := r.Headers[i].Key
		switch {
		case key == HeaderMark:
			return FormBinary
		case cloudEventsMark(key):
			cloudEvent = true
		case contentType == "" && isContentType(key):
			contentType = r.Headers[i].Value
		}
	}
	switch {
	case structuredContentType(contentType):
		return FormCloudEventsJSON
	case cloudEvent:
		return FormCloudEvents
	}
	body := trimSpace(r.Body)
	if len(body) == 0 || body[0] != '{' {
		return foreignForm(r)
	}
	if claimsEvent(body) {
		return FormJSON
	}
	if claimsCloudEvent(body) {
		return FormCloudEventsJSON
	}
	if bytes.Contains(body, []byte(`"eventId"`)) {
		return FormBareJSON
	}
	return foreignForm(r)
}

func foreignForm(r *Record) Form {
	if r.ID == "" && !validID(r.Position) {
		return FormForeignNoID
	}
	return FormForeign
}

// claimsEvent reports whether the object's first member is a numeric herald.
func claimsEvent(body []byte) bool {
	rest := firstMember(body, `"herald"`)
	return len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'
}

// claimsCloudEvent reports whether the object's first member is the
// specversion that is read.
func claimsCloudEvent(body []byte) bool {
	return bytes.HasPrefix(firstMember(body, `"specversion"`), []byte(`"`+cloudEventsVersion+`"`))
}

// firstMember returns what follows the object's first member's name and colon,
// or nil if it has another name.
func firstMember(body []byte, name string) []byte {
	rest, ok := bytes.CutPrefix(trimSpace(body[1:]), []byte(name))
	if !ok {
		return nil
	}
	rest, ok = bytes.CutPrefix(trimSpace(rest), []byte(":"))
	if !ok {
		return nil
	}
	return trimSpace(rest)
}

// trimSpace cuts off leading JSON white space.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

// Decode finds out the record's form, reads it into e and returns the form.
// A marked record that breaks its form is an *Error that wraps ErrMalformed.
// An unmarked JSON object is FormBareJSON only if all of it can be read as an
// event, else it is foreign. If its member herald is a number, it is marked.
// A record above the limits is ErrTooLarge in every form. After an error e is
// unspecified and the form is the one claimed.
//
// e.Data may share r.Body and e's strings may share those of r; e.Headers is
// e's own. For binary and cloudevents, e.Headers is the only allocation.
//
// A foreign event has the record's native type if it matches the grammar, else
// TypeForeign; Version "1"; the native key, content type and time; the trace
// context and the user headers of the record. Its ID is the native one, else
// the position, else a new random one (FormForeignNoID). A native id that
// can't be an event's id gives way to the position, or to an id derived from it.
func Decode(e *Event, r *Record, l Limits) (Form, error) {
	l = l.WithDefaults()
	form := Detect(r)
	if n := r.Size(); n > l.Message {
		return form, tooLarge("message", "bytes", n, l.Message)
	}
	switch form {
	case FormBinary:
		return form, decodeBinary(e, r, l)
	case FormJSON:
		return form, decodeJSON(e, r, l)
	case FormBareJSON:
		return decodeBare(e, r, l)
	case FormCloudEvents:
		return form, decodeCloudEvent(e, r, l)
	case FormCloudEventsJSON:
		return form, decodeStructured(e, r, l)
	}
	return form, decodeForeign(e, r, l)
}

// decodeBare reads a document that may turn out to be marked, or foreign.
func decodeBare(e *Event, r *Record, l Limits) (Form, error) {
	d := document{e: e, bare: true}
	err := d.decode(r, l)
	if d.marked {
		if err != nil {
			return FormJSON, err
		}
		return FormJSON, nil
	}
	if err == nil {
		return FormBareJSON, nil
	}
	return foreignForm(r), decodeForeign(e, r, l)
}

func decodeForeign(e *Event, r *Record, l Limits) error {
	*e = Event{
		ID: foreignID(r), Type: r.Type, Version: defaultVersion, Key: r.Key, ContentType: r.ContentType,
		Time: utc(r.Time), Data: r.Body,
	}
	if !validType(e.Type) {
		e.Type = TypeForeign
	}
	nativeTrace(e, r)
	hs, err := userHeaders(nil, r, l)
	if err != nil {
		return err
	}
	e.Headers = hs
	return nil
}

func foreignID(r *Record) string {
	switch {
	case validID(r.ID):
		return r.ID
	case validID(r.Position):
		return r.Position
	case r.ID != "":
		return DeriveID(r.ID, TypeForeign)
	}
	return NewID()
}
