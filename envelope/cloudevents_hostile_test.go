package envelope_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/herald-go/herald/envelope"
)

// Not parallel: it measures what the process allocates.
func TestHostileCloudEventsCostMemoryInProportion(t *testing.T) {
	const size = 900_000
	var members strings.Builder
	many := cloudRecord()
	for i := 0; members.Len() < size; i++ {
		fmt.Fprintf(&members, `"%x":0,`, i)
		many.Headers = append(many.Headers, envelope.Header{Key: fmt.Sprintf("ce_%x", i)})
	}
	for name, r := range map[string]*envelope.Record{
		"many extensions":   cloudDocument(strings.TrimSuffix(members.String(), ",")),
		"many headers":      many,
		"long list":         changed("ce_heraldheaders", strings.Repeat(",", size)),
		"long escapes":      changed("ce_heraldheaders", "a="+strings.Repeat("%41", size/3)),
		"long list inside":  cloudDocument(`"heraldheaders":"` + strings.Repeat(",", size) + `"`),
		"long text as data": cloudDocument(`"datacontenttype":"text/plain","data":"` + strings.Repeat(`\u0041`, size/6) + `"`),
		"deep extension":    cloudDocument(`"a":` + strings.Repeat("[", size)),
	} {
		var e envelope.Event
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		// Whether it is refused is for other tests to say.
		_, _ = envelope.Decode(&e, r, envelope.Limits{Message: 4 << 20})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 8*size {
			t.Errorf("%s: allocated %d bytes", name, got)
		}
	}
}
