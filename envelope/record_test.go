package envelope_test

import (
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
)

func TestRecordSizeCountsWhatAPublisherWrote(t *testing.T) {
	t.Parallel()
	r := envelope.Record{
		ID: "1", Type: "22", Key: "333", ContentType: "4444", Time: time.Unix(1, 0), Body: []byte("55555"), Position: "not counted",
		Headers: headers{{"herald", "1"}, {"herald-source", "s"}, {"a", "b"}, {"baggage", "c"}, {"herald-error", "what a carrier adds"}},
	}
	const attributes, own, user = 1 + 2 + 3 + 4 + 8, 7 + 14 + 8, 2
	if got, want := r.Size(), attributes+own+user+5; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	if got := (&envelope.Record{}).Size(); got != 0 {
		t.Errorf("an empty record: got %d", got)
	}
}
