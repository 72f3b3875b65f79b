package kafka

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/pkg/driver"
)

// spreadOver sends a message of a size to each partition, and returns what becomes of them.
func (b *bench) spreadOver(partitions, size int) *fates {
	r := &fates{got: map[string]driver.Fate{}, errs: map[string]error{}}
	for p := range partitions {
		n := 0
		for partitionOf(fmt.Sprint(n), partitions) != p {
			n++
		}
		r.ids = append(r.ids, fmt.Sprintf("%d bytes to %d", size, p))
		r.msgs = append(r.msgs, &driver.Message{ID: r.ids[p], Key: fmt.Sprint(n), Body: make([]byte, size)})
	}
	b.d.Publisher().Send(b.t.Context(), driver.Address{Topic: fakeTopic}, r.msgs, r)
	return r
}

// What waits while a request is under way goes out as one request if it fits, else as several side by side.
func TestSender_UsesMoreLanesOnlyForWhatOneRequestCannotHold(t *testing.T) {
	t.Parallel()
	const partitions = 4
	for name, c := range map[string]struct {
		size, requests int
	}{
		"small": {100, 1}, "half a request": {requestBytes / 2, 2}, "a request": {requestBytes, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, partitions, func(b *bench) {
				first, others := make(chan struct{}), make(chan struct{})
				b.f.answer = func(attempt) verdict {
					if len(b.f.attempts) == 1 {
						return verdict{hold: first}
					}
					return verdict{hold: others}
				}
				opening := b.send("opening")
				synctest.Wait()
				all := b.spreadOver(partitions, c.size)
				synctest.Wait()
				if n := len(b.f.seen()); n != 1 {
					t.Errorf("%d requests are under way while the first one is, want no other", n)
				}
				close(first)
				b.want(opening, driver.Stored)
				if n := len(b.f.seen()) - 1; n != c.requests {
					t.Errorf("%d requests are under way, want %d", n, c.requests)
				}
				close(others)
				b.want(all, driver.Stored)
			})
		})
	}
}
