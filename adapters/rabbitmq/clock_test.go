package rabbitmq_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// A process whose clock is off by a year puts a message off for as long as its own clock says, and stamps it by that clock.
func TestDelaysAndStampsFollowTheClock(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, -365 * 24 * time.Hour, 365 * 24 * time.Hour} {
		d := new(rabbitmq.Driver)
		wall := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC).Add(skew)
		d.UseClock(func() time.Time { return wall })
		p := rabbitmq.Publishing(rabbitmq.Written(d, "orders", "billing", &driver.Message{ID: "1", NotBefore: wall.Add(time.Minute)}))
		if p.Expiration != "60026" || p.Headers["herald-sent"] != strconv.FormatInt(wall.UnixMilli(), 10) {
			t.Errorf("off by %v: waits for %s ms, stamped %v, want 60026 and %d", skew, p.Expiration, p.Headers["herald-sent"], wall.UnixMilli())
		}
		p = rabbitmq.Publishing(rabbitmq.Written(d, "orders", "billing", &driver.Message{ID: "2", NotBefore: wall.Add(-time.Minute)}))
		if p.Expiration != "" {
			t.Errorf("off by %v: what is due waits for %s ms", skew, p.Expiration)
		}
	}
}
