package envelope_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/herald-go/herald/envelope"
)

// Not parallel: it measures what the process allocates.
func TestHostileDocumentsCostMemoryInProportion(t *testing.T) {
	const size = 900_000
	var members strings.Builder
	for i := 0; members.Len() < size; i++ {
		fmt.Fprintf(&members, `"%x":0,`, i)
	}
	for name, body := range map[string]string{
		"many members":     with(members.String() + `"data":{` + members.String()[:0] + `}`),
		"many in data":     with(`"data":{` + strings.TrimSuffix(members.String(), ",") + `}`),
		"deep":             with(`"data":` + strings.Repeat("[", size)),
		"deep objects":     with(`"data":` + strings.Repeat(`{"a":`, size/5)),
		"many headers":     with(`"headers":{` + strings.ReplaceAll(strings.TrimSuffix(members.String()[:size/2], ","), ":0", `:""`) + `}`),
		"one long string":  with(`"source":"` + strings.Repeat(`\u0041`, size/6) + `"`),
		"one long number":  with(`"timestamp":1` + strings.Repeat("0", size)),
		"one long key":     with(`"` + strings.Repeat(`\u0041`, size/12) + `":1,"` + strings.Repeat(`\u0041`, size/12) + `":1`),
		"one long base64":  with(`"data_base64":"` + strings.Repeat("AAAA", size/4) + `"`),
		"long exponent":    with(`"timestamp":1e` + strings.Repeat("9", size)),
		"many short lists": with(`"data":[` + strings.TrimSuffix(strings.Repeat("[],", size/3), ",") + `]`),
	} {
		r := jsonRecord(body)
		var e envelope.Event
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		// Whether it is refused is for other tests to say.
		_, _ = envelope.Decode(&e, r, envelope.Limits{Message: 2 << 20})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 16*size {
			t.Errorf("%s: allocated %d bytes for %d", name, got, len(body))
		}
	}
}
