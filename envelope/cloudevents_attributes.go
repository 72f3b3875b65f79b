package envelope

import (
	"strconv"
	"time"
)

// cloudEventAttribute is an attribute that has a place in an Event, in the
// order in which it is written.
type cloudEventAttribute uint8

const (
	ceExtension cloudEventAttribute = iota // any other
	ceSpecVersion
	ceID
	ceSource
	ceType
	ceTime
	ceDataContentType
	ceDataSchema
	cePartitionKey
	ceCorrelationID
	ceCausationID
	ceExpiryTime
	ceDeliverAt
	ceEventVersion
	ceReplyTo
	ceTraceParent
	ceTraceState
	ceBaggage
	ceHeraldSource
	ceHeraldSchema
	ceHeraldHeaders
	cloudEventCount
)

var cloudEventNames = [cloudEventCount]string{
	ceSpecVersion: "specversion", ceID: "id", ceSource: "source", ceType: "type", ceTime: "time",
	ceDataContentType: "datacontenttype", ceDataSchema: "dataschema", cePartitionKey: "partitionkey",
	ceCorrelationID: "correlationid", ceCausationID: "causationid", ceExpiryTime: "expirytime",
	ceDeliverAt: "deliverat", ceEventVersion: "eventversion", ceReplyTo: "replyto",
	ceTraceParent: HeaderTraceParent, ceTraceState: HeaderTraceState, ceBaggage: HeaderBaggage,
	ceHeraldSource: "heraldsource", ceHeraldSchema: "heraldschema", ceHeraldHeaders: "heraldheaders",
}

// cloudEventHeaders are the names as headers.
var cloudEventHeaders = prefixed()

func prefixed() (names [cloudEventCount]string) {
	for a := ceSpecVersion; a < cloudEventCount; a++ {
		names[a] = cloudEventsPrefix + cloudEventNames[a]
	}
	return names
}

func cloudEventOf(name string) cloudEventAttribute {
	switch name {
	case "specversion":
		return ceSpecVersion
	case "id":
		return ceID
	case "source":
		return ceSource
	case "type":
		return ceType
	case "time":
		return ceTime
	case "datacontenttype":
		return ceDataContentType
	case "dataschema":
		return ceDataSchema
	case "partitionkey":
		return cePartitionKey
	case "correlationid":
		return ceCorrelationID
	case "causationid":
		return ceCausationID
	case "expirytime":
		return ceExpiryTime
	case "deliverat":
		return ceDeliverAt
	case "eventversion":
		return ceEventVersion
	case "replyto":
		return ceReplyTo
	case HeaderTraceParent:
		return ceTraceParent
	case HeaderTraceState:
		return ceTraceState
	case HeaderBaggage:
		return ceBaggage
	case "heraldsource":
		return ceHeraldSource
	case "heraldschema":
		return ceHeraldSchema
	case "heraldheaders":
		return ceHeraldHeaders
	}
	return ceExtension
}

// cloudEvent refuses what neither mode can carry.
func (e *Event) cloudEvent() error {
	if e.err != nil {
		return e.failure()
	}
	if eventContentType(e.ContentType) || familyContentType(e.ContentType) {
		return invalid("contentType", "expected the type of the data, not that of an event")
	}
	switch {
	case !validTime(e.Time):
		return invalid("timestamp", wantYear)
	case !validTime(e.ExpiresAt):
		return invalid("expiresAt", wantYear)
	case !validTime(e.DeliverAt):
		return invalid("deliverAt", wantYear)
	}
	if i := repeated(e.Headers); i >= 0 {
		return headerError(e.Headers[i].Key, "expected each key once")
	}
	return nil
}

// of returns the attribute's value, "" where it isn't written.
func (a cloudEventAttribute) of(e *Event) string {
	switch a {
	case ceSpecVersion:
		return cloudEventsVersion
	case ceID:
		return e.ID
	case ceSource:
		return sourceReference(e.Source)
	case ceHeraldSource:
		return sourceText(e.Source)
	case ceType:
		return e.Type
	case ceTime:
		return timeText(e.Time)
	case ceDataContentType:
		return e.ContentType
	case ceDataSchema, ceHeraldSchema:
		if absoluteURI(e.Schema) == (a == ceDataSchema) {
			return e.Schema
		}
	case cePartitionKey:
		return e.Key
	case ceCorrelationID:
		return e.CorrelationID
	case ceCausationID:
		return e.CausationID
	case ceExpiryTime:
		return timeText(e.ExpiresAt)
	case ceDeliverAt:
		return timeText(e.DeliverAt)
	case ceEventVersion:
		if e.Version != defaultVersion {
			return e.Version
		}
	case ceReplyTo:
		return e.ReplyTo
	case ceTraceParent:
		return e.TraceParent
	case ceTraceState:
		return e.TraceState
	case ceBaggage:
		return e.Baggage
	}
	return ""
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// cloudEvent is an event being read from either mode.
type cloudEvent struct {
	e      *Event
	limits Limits
	seen   uint32
	source string // heraldsource
	schema string // heraldschema
	list   string // heraldheaders
}

const wantOnce = "expected the attribute once"

func (c *cloudEvent) set(a cloudEventAttribute, value string) *Error {
	if c.seen&(1<<a) != 0 {
		return malformed(cloudEventNames[a], wantOnce)
	}
	c.seen |= 1 << a
	e := c.e
	switch a {
	case ceSpecVersion:
		if value != cloudEventsVersion {
			return malformed("specversion", "expected "+cloudEventsVersion)
		}
	case ceID:
		e.ID = value
	case ceSource:
		e.Source = value
	case ceType:
		e.Type = value
	case ceTime, ceExpiryTime, ceDeliverAt:
		return c.setTime(a, value)
	case ceDataContentType:
		if e.ContentType != "" && e.ContentType != value {
			return malformed("datacontenttype", "expected the same as the content type")
		}
		e.ContentType = value
	case ceDataSchema:
		e.Schema = value
	case cePartitionKey:
		e.Key = value
	case ceCorrelationID:
		e.CorrelationID = value
	case ceCausationID:
		e.CausationID = value
	case ceEventVersion:
		e.Version = value
	case ceReplyTo:
		e.ReplyTo = value
	case ceTraceParent:
		e.TraceParent = value
	case ceTraceState:
		e.TraceState = value
	case ceBaggage:
		e.Baggage = value
	case ceHeraldSource:
		c.source = value
	case ceHeraldSchema:
		c.schema = value
	case ceHeraldHeaders:
		c.list = value
	}
	return nil
}

func (c *cloudEvent) setTime(a cloudEventAttribute, value string) *Error {
	dst := &c.e.Time
	switch a {
	case ceExpiryTime:
		dst = &c.e.ExpiresAt
	case ceDeliverAt:
		dst = &c.e.DeliverAt
	}
	return setTime(dst, cloudEventNames[a], value)
}

// complete checks what the event must have and fills in what it lacks.
func (c *cloudEvent) complete(r *Record) *Error {
	e := c.e
	switch {
	case c.seen&(1<<ceSpecVersion) == 0:
		return malformed("specversion", "expected "+cloudEventsVersion)
	case !validID(e.ID):
		return malformed("id", wantID)
	case e.Source == "":
		return malformed("source", "expected a URI-reference")
	case !validType(e.Type):
		return malformed("type", wantType)
	}
	if e.Version == "" {
		e.Version = defaultVersion
	}
	if e.Source == CloudEventsNoSource {
		e.Source = ""
	}
	if c.source != "" {
		e.Source = c.source
	}
	if c.schema != "" {
		e.Schema = c.schema
	}
	if e.Time.IsZero() {
		e.Time = utc(r.Time)
	}
	if e.Key == "" {
		e.Key = r.Key
	}
	nativeTrace(e, r)
	return c.mergeHeaders()
}

// extensionField quotes the name, cut short, because it may hold anything.
func extensionField(name string) string {
	return "extension " + strconv.Quote(name[:min(len(name), maxHeaderKey)])
}
