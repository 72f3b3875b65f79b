package kafka

import (
	"testing"
	"time"
)

func TestStamp_IsRFC3339NanoInUTC(t *testing.T) {
	t.Parallel()
	var s stamp
	base := time.Date(2026, 2, 3, 4, 5, 6, 0, time.FixedZone("east", 3*3600))
	for _, at := range []time.Time{
		base, base.Add(1), base.Add(100_000_000), base.Add(999_999_999), base.Add(120_034_500), base.Add(time.Second), base,
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Unix(0, 0), time.Unix(-1, 5), time.Unix(0, 7), time.Date(12026, 1, 1, 0, 0, 0, 10, time.UTC),
	} {
		if got, want := string(s.append(nil, at)), at.UTC().Format(time.RFC3339Nano); got != want {
			t.Errorf("%d is written as %s, want %s", at.UnixNano(), got, want)
		}
	}
}
