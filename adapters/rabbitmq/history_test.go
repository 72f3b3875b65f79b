package rabbitmq_test

import (
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
)

// A stream that seems to be empty is looked at for longer where the broker is slow to answer: what it holds may just not have come.
func TestChunkWait_IsLongerTheSlowerTheBroker(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		messages          int
		took, least, want time.Duration
	}{
		"idle and empty":    {0, 3 * time.Millisecond, rabbitmq.EmptyWait, 100 * time.Millisecond},
		"busy and empty":    {0, 50 * time.Millisecond, rabbitmq.EmptyWait, 500 * time.Millisecond},
		"stalled and empty": {0, time.Minute, rabbitmq.EmptyWait, 2 * time.Second},
		"it counts some":    {7, time.Millisecond, rabbitmq.EmptyWait, 2 * time.Second},
		"emptiness matters": {0, time.Millisecond, rabbitmq.FullWait, 2 * time.Second},
	} {
		if got := rabbitmq.ChunkWait(tc.messages, tc.took, tc.least); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
