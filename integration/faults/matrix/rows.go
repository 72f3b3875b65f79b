package matrix

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/load"
	"github.com/herald-go/herald/integration/network"
)

// Run runs every row.
func Run(t *testing.T, s Subject) {
	t.Helper()
	for _, row := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"the broker restarts in good order", restarted},
		{"the broker is killed", killed},
		{"the broker is killed five times", bounced},
		{"the connections are cut", cut},
		{"the connections are cut over and over", cutOften},
		{"nothing arrives any more, either way", func(t *testing.T, s Subject) { blackHole(t, s, true, true) }},
		{"nothing arrives at the client", func(t *testing.T, s Subject) { blackHole(t, s, true, false) }},
		{"nothing arrives at the broker", func(t *testing.T, s Subject) { blackHole(t, s, false, true) }},
		{"the broker stands still", paused},
		{"the request is stored and its reply lost", replyLost},
		{"the network is slow", slow},
		{"the broker is not there yet", late},
		{"one member is cut off for long", isolated},
		{"the clocks differ, and jump", skewed},
	} {
		t.Run(row.name, func(t *testing.T) { row.run(t, s) })
		if t.Failed() && t.Context().Err() != nil {
			return
		}
	}
}

func restarted(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 2})
	b.Await(200)
	b.Hurt(func() { must(t, s.Broker.Restart(t.Context())) })
	t.Logf("traffic again after %v", b.Recover(s.recovery()))
	b.finish()
}

func killed(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 2})
	b.Await(200)
	b.Hurt(func() {
		must(t, s.Broker.Kill(t.Context()))
		must(t, s.Broker.Start(t.Context()))
	})
	t.Logf("traffic again after %v", b.Recover(s.recovery()))
	b.finish()
}

func bounced(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 2})
	b.Await(200)
	const kills = 5
	began, before := time.Now(), b.dials()
	for range kills {
		b.Hurt(func() {
			must(t, s.Broker.Kill(t.Context()))
			must(t, s.Broker.Start(t.Context()))
		})
		after(time.Duration(rand.IntN(2000)) * time.Millisecond)
	}
	b.Recover(s.recovery())
	dials, allowed := b.dials()-before, len(b.networks)*dialsAllowed(kills, time.Since(began))
	if dials > allowed {
		t.Errorf("%d dials of %d clients, want at most %d", dials, len(b.networks), allowed)
	}
	t.Logf("%d dials of %d clients", dials, len(b.networks))
	b.finish()
}

// dialsAllowed is how often a client may dial while its broker is killed over and over: all its connections anew after each kill, with the
// first, short pauses between two tries, and from then on no more than two loops would that rest half a second on average.
func dialsAllowed(kills int, took time.Duration) int { return kills*40 + 4*int(took.Seconds()) }

func (b *bench) dials() (n int) {
	b.all(func(x *network.Network) { n += x.Dials() })
	return n
}

func cut(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 2})
	b.Await(200)
	b.Hurt(func() { b.all(func(n *network.Network) { n.Cut() }) })
	b.Recover(s.recovery())
	b.finish()
}

func cutOften(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 3, Work: time.Millisecond})
	b.Await(200)
	for range 20 {
		b.Hurt(func() { b.networks[rand.IntN(len(b.networks))].Cut() })
		after(time.Duration(rand.IntN(300)) * time.Millisecond)
	}
	b.Recover(s.recovery())
	b.finish()
}

func blackHole(t *testing.T, s Subject, in, out bool) {
	b := s.start(t, load.Config{Members: 2})
	b.Await(200)
	b.Hurt(func() {
		b.all(func(n *network.Network) { n.BlackHole(in, out) })
		inTime(t, b)
		after(s.Silence)
		b.all(func(n *network.Network) { n.Heal() })
	})
	t.Logf("traffic again after %v", b.Recover(s.recovery()+s.Silence))
	b.finish()
}

func paused(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 2})
	b.Await(200)
	b.Hurt(func() {
		must(t, s.Broker.Pause(t.Context()))
		inTime(t, b) // which never ends the test: the rows to come need a broker that runs
		after(s.Silence)
		must(t, s.Broker.Resume(t.Context()))
	})
	t.Logf("traffic again after %v", b.Recover(s.recovery()+s.Silence))
	b.finish()
}

func slow(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 2, Timeout: 20 * time.Second, Keys: 32})
	b.Await(200)
	lost := 1
	for try := 0; lost > 0 && try < 3; try++ { // a machine that stands still for a moment does not do so each time
		before := len(b.Notices(messaging.Disconnected))
		b.Hurt(func() {
			b.all(func(n *network.Network) { n.Slow(200*time.Millisecond, 64<<10) })
			b.Await(100)
			b.all(func(n *network.Network) { n.Heal() })
		})
		lost = len(b.Notices(messaging.Disconnected)) - before
		b.Recover(s.recovery())
	}
	if lost > 0 {
		t.Errorf("a slow network was taken for a dead one %d times, and at each try", lost)
	}
	b.finish()
}

// isolated cuts one member off for longer than the broker waits for it: the others take over, and what it settles later is nobody else's.
func isolated(t *testing.T, s Subject) {
	b := s.start(t, load.Config{Members: 3, Work: 2 * time.Millisecond})
	b.Await(200)
	b.Hurt(func() {
		b.networks[1].BlackHole(true, true)
		b.Await(200) // the others go on
		after(s.Silence)
		b.networks[1].Heal()
	})
	t.Logf("traffic again after %v", b.Recover(s.recovery()+s.Silence))
	b.finish()
}
