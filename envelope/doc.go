// Package envelope is the event and its wire forms.
//
// An [Event] is one immutable fact with its attributes, the user's headers
// and its data. [New] makes one and gives it an id and a time at once, so
// publishing the same value again keeps its id. A [Codec] turns an event into
// a [Record], which is what a broker carries: native attributes, headers and
// a body. [Decode] turns a record back into an event without being told which
// form it has.
//
// Forms:
//
//   - binary (the default): attributes in the record's native fields and
//     headers, the body is the data as it is. See the table at [HeaderMark].
//   - json: one document with every attribute; JSON data is embedded, other
//     data travels as base64. [JSONSchema] describes it.
//   - bare json: the same document without any mark, as many services write
//     it by hand: eventId, eventType or type, timestamp, version, source,
//     correlationId, data.
//   - cloudevents: CloudEvents 1.0.2 in binary mode, with every attribute as a
//     header. See the table at [ContentTypeCloudEvents].
//   - cloudevents-json: CloudEvents 1.0.2 in structured mode, as one document.
//   - foreign: anything else. It is still an event: its data is the body.
//
// A record that carries a mark claims to be an event of this package. A claim
// that is broken is an error, never a foreign event.
//
// The package imports the standard library only, starts no goroutine and no
// timer. Its functions are safe for concurrent use; an Event and a Record are
// plain values that need the caller's own synchronisation while being written.
package envelope
