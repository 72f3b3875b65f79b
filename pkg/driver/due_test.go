package driver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

func TestPutOff_WaitsAsLongAsItWasTold_ThoughTheClockJumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrong := time.Hour
		clock := func() time.Time { return time.Now().Add(wrong) }
		var m driver.Message
		m.PutOff(clock(), 2*time.Second)
		if got, want := m.NotBefore, time.Now().Add(time.Hour+2*time.Second); !got.Equal(want) {
			t.Errorf("not before %v, want %v", got, want)
		}
		wrong = -time.Hour
		time.Sleep(500 * time.Millisecond)
		for name, m := range map[string]*driver.Message{"message": &m, "copy": m.Copy()} {
			now := clock()
			if got, want := m.Due(now).Sub(now), 1500*time.Millisecond; got != want {
				t.Errorf("the %s waits %v after the jump, want %v", name, got, want)
			}
		}
	})
}

func TestDue_IsNotBefore_OfWhatComesFromElsewhere(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Minute)
	m := driver.Message{NotBefore: at}
	if got := m.Due(time.Now().Add(time.Hour)); !got.Equal(at) {
		t.Errorf("due %v, want %v", got, at)
	}
	m.PutOff(time.Now(), 0)
	if got := m.Due(time.Now()); !got.IsZero() {
		t.Errorf("due %v though it is not put off", got)
	}
}
