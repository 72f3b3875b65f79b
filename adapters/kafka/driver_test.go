package kafka

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The cluster tells yet of a broker that has just died.
func TestOpen_DoesNotInsistOnABrokerThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.ghosts = 2
		began := time.Now()
		d, err := New(t.Context(), Config{Brokers: []string{"fake:9092"}, Dial: f.Dial})
		if took := time.Since(began); err != nil || took > 5*time.Second {
			t.Fatalf("opening: %v after %v", err, took)
		}
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
		f.pumps.Wait()
	})
}
