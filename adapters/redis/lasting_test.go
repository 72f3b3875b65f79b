package redis_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/redis"
)

// A member that stood still must not read on under a session that others may have ended: it would handle what comes after what they handle.
func TestReads_EndBeforeTheSessionMayEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			age, block time.Duration
			ok         bool
		}{
			{0, time.Second, true},
			{6 * time.Second, time.Second, true},
			{6500 * time.Millisecond, 500 * time.Millisecond, true},
			{7 * time.Second, 0, false},
			{time.Minute, 0, false},
		} {
			m := redis.NewReader(10)
			block, ok := m.Blocks(tc.age)
			if ok != tc.ok || ok && block != tc.block {
				t.Errorf("%v after the last beat a read may take %v, %v; want %v, %v", tc.age, block, ok, tc.block, tc.ok)
			}
		}
	})
}
