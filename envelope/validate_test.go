package envelope_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

func TestValidateAcceptsCompleteAndMinimalEvents(t *testing.T) {
	t.Parallel()
	long := full()
	long.ID, long.Type = strings.Repeat("i", 1024), strings.Repeat("t", 255)
	long.Headers = envelope.Headers{{Key: strings.Repeat("k", 128), Value: "tab\tand ümlaut"}, {Key: "hero", Value: ""}, {Key: "trace", Value: "x"}}
	for name, e := range map[string]envelope.Event{"full": full(), "minimal": minimal(), "long": long, "made by New": envelope.New("a:b/c-d_e.F9", nil)} {
		if err := e.Validate(envelope.Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateNamesTheFieldAndNeverPrintsValues(t *testing.T) { //nolint:funlen // a table of cases
	t.Parallel()
	type event = envelope.Event
	header := func(key, value string) func(*event) {
		return func(e *event) { e.Headers = envelope.Headers{{Key: key, Value: value}} }
	}
	year := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	type row struct {
		name   string
		change func(*event)
		field  string
		err    error
	}
	rows := []row{
		{"failed", envelope.Failed(errors.New("no data")), "data", envelope.ErrInvalid},
		{"no id", func(e *event) { e.ID = "" }, "eventId", envelope.ErrInvalid},
		{"long id", func(e *event) { e.ID = strings.Repeat("s3cret", 200) }, "eventId", envelope.ErrInvalid},
		{"line in id", func(e *event) { e.ID = "s3cret\n" }, "eventId", envelope.ErrInvalid},
		{"no type", func(e *event) { e.Type = "" }, "type", envelope.ErrInvalid},
		{"space in type", func(e *event) { e.Type = "s3cret type" }, "type", envelope.ErrInvalid},
		{"umlaut in type", func(e *event) { e.Type = "größe" }, "type", envelope.ErrInvalid},
		{"long type", func(e *event) { e.Type = strings.Repeat("x", 256) }, "type", envelope.ErrInvalid},
		{"version", func(e *event) { e.Version = "s3cret\x00" }, "version", envelope.ErrInvalid},
		{"source", func(e *event) { e.Source = "s3cret\r" }, "source", envelope.ErrInvalid},
		{"correlation", func(e *event) { e.CorrelationID = "s3cret\xff" }, "correlationId", envelope.ErrInvalid},
		{"causation", func(e *event) { e.CausationID = "s3cret\x7f" }, "causationId", envelope.ErrInvalid},
		{"key", func(e *event) { e.Key = strings.Repeat("k", 1025) }, "key", envelope.ErrInvalid},
		{"content type", func(e *event) { e.ContentType = strings.Repeat("c", 256) }, "contentType", envelope.ErrInvalid},
		{"own content type", func(e *event) { e.ContentType = "Application/vnd.herald.event+JSON; a=b" }, "contentType", envelope.ErrInvalid},
		{"schema", func(e *event) { e.Schema = "s3cret\n" }, "schema", envelope.ErrInvalid},
		{"reply to", func(e *event) { e.ReplyTo = "s3cret\n" }, "replyTo", envelope.ErrInvalid},
		{"traceparent", func(e *event) { e.TraceParent = "s3cret\n" }, "traceparent", envelope.ErrInvalid},
		{"tracestate", func(e *event) { e.TraceState = strings.Repeat("s", 8193) }, "tracestate", envelope.ErrInvalid},
		{"baggage", func(e *event) { e.Baggage = "s3cret\n" }, "baggage", envelope.ErrInvalid},
		{"time", func(e *event) { e.Time = year }, "timestamp", envelope.ErrInvalid},
		{"expires", func(e *event) { e.ExpiresAt = year }, "expiresAt", envelope.ErrInvalid},
		{"deliver", func(e *event) { e.DeliverAt = year }, "deliverAt", envelope.ErrInvalid},
		{"empty header key", header("", "s3cret"), `header ""`, envelope.ErrInvalid},
		{"upper case header key", header("Tenant", "s3cret"), `header "Tenant"`, envelope.ErrInvalid},
		{"line in header key", header("a\nb", "s3cret"), `header "a\nb"`, envelope.ErrInvalid},
		{"line in header value", header("a", "s3cret\nb"), `header "a"`, envelope.ErrInvalid},
		{"nul in header value", header("a", "s3cret\x00b"), `header "a"`, envelope.ErrInvalid},
		{"broken header value", header("a", "s3cret\xc3"), `header "a"`, envelope.ErrInvalid},
		{"header twice", func(e *event) {
			e.Headers = envelope.Headers{{Key: "a", Value: "s3cret"}, {Key: "b"}, {Key: "a"}}
		}, `header "a"`, envelope.ErrInvalid},
		{"header twice among many", func(e *event) { e.Headers = append(manyHeaders(60), envelope.Header{Key: "h7"}) }, `header "h7"`, envelope.ErrInvalid},
		{"long header key", header(strings.Repeat("k", 200), "s3cret"), `header "` + strings.Repeat("k", 128) + `"`, envelope.ErrInvalid},
		{"129 headers", func(e *event) { e.Headers = manyHeaders(129) }, "headers", envelope.ErrTooLarge},
		{"64 KiB of headers", func(e *event) { e.Headers = envelope.Headers{{Key: "a", Value: strings.Repeat("v", 64<<10)}} }, "headers", envelope.ErrTooLarge},
		{"1 MB of data", func(e *event) { e.Data = make([]byte, 1_000_000) }, "message", envelope.ErrTooLarge},
	}
	for _, key := range []string{"herald", "herald-x", "traceparent", "tracestate", "baggage", "ce", "ce_id", "ce-id", "cloudevents", "x-delay", "orig-a"} {
		rows = append(rows, row{"reserved " + key, header(key, "s3cret"), fmt.Sprintf("header %q", key), envelope.ErrInvalid})
	}
	for _, tc := range rows {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := full()
			tc.change(&e)
			err := e.Validate(envelope.Limits{})
			var typed *envelope.Error
			if !errors.As(err, &typed) || !errors.Is(err, tc.err) || typed.Field != tc.field || typed.Reason == "" {
				t.Fatalf("got %#v, want field %q of %v", err, tc.field, tc.err)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("prints the value: %v", err)
			}
		})
	}
}

func manyHeaders(n int) envelope.Headers {
	hs := make(envelope.Headers, n)
	for i := range hs {
		hs[i].Key = fmt.Sprintf("h%d", i)
	}
	return hs
}

func TestValidateStopsExactlyAtTheLimits(t *testing.T) {
	t.Parallel()
	e := full()
	size, headers := e.Size(), 0
	for _, h := range e.Headers {
		headers += len(h.Key) + len(h.Value)
	}
	for _, tc := range []struct {
		name   string
		limits envelope.Limits
		want   error
	}{
		{"all met", envelope.Limits{Message: size, HeaderBytes: headers, HeaderCount: 2}, nil},
		{"message", envelope.Limits{Message: size - 1}, envelope.ErrTooLarge},
		{"header bytes", envelope.Limits{HeaderBytes: headers - 1}, envelope.ErrTooLarge},
		{"header count", envelope.Limits{HeaderCount: 1}, envelope.ErrTooLarge},
		{"negative is the default", envelope.Limits{Message: -1, HeaderBytes: -1, HeaderCount: -1, Nesting: -1}, nil},
	} {
		if err := e.Validate(tc.limits); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestLimitsHaveDefaults(t *testing.T) {
	t.Parallel()
	want := envelope.Limits{Message: 1_000_000, HeaderBytes: 65536, HeaderCount: 128, Nesting: 64}
	if got := (envelope.Limits{}).WithDefaults(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (envelope.Limits{Nesting: 1 << 30}).WithDefaults().Nesting; got != envelope.MaxNesting {
		t.Errorf("got nesting %d", got)
	}
}

func TestErrorsReadAsOneLine(t *testing.T) {
	t.Parallel()
	e := minimal()
	e.Type = ""
	const want = "invalid event: type: expected [A-Za-z0-9._:/-]{1,255}"
	if got := e.Validate(envelope.Limits{}).Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = minimal()
	const wantSize = "event too large: message: expected at most 3 bytes, got 12"
	if got := e.Validate(envelope.Limits{Message: 3}).Error(); got != wantSize {
		t.Errorf("got %q, want %q", got, wantSize)
	}
}

func TestValidateAllocatesNothingForAValidEvent(t *testing.T) {
	e := full()
	if n := testing.AllocsPerRun(100, func() { _ = e.Validate(envelope.Limits{}) }); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}
