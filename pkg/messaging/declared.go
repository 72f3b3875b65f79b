package messaging

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Times of the question for the declared groups.
const (
	declaredEvery = 10 * time.Second       // how long an answer holds
	declaredWait  = 500 * time.Millisecond // how long Ready waits for one; half of what probes usually do
	declaredMost  = 5 * time.Second        // how long the broker has for one
)

// declared asks whether the broker still has the groups of Config.Topics. Somebody may delete one; then nothing is kept for it any more, and
// publishers may be refused. It asks only when it is asked, so that it costs nothing where nobody looks.
type declared struct {
	broker   string
	topology driver.Topology
	topics   []Topic // with groups, to be verified; empty when there is nothing to ask

	mu      sync.Mutex
	asked   time.Time
	missing error
	answer  chan struct{} // closed with the answer; nil while no question is under way
	cancel  context.CancelFunc
	closed  bool
	asking  sync.WaitGroup
}

// watch begins to look after the groups of topics that have just been declared.
func (d *declared) watch(broker string, t driver.Topology, topics []Topic) {
	d.broker, d.topology, d.asked = broker, t, time.Now()
	for _, topic := range topics {
		if len(topic.Groups) > 0 {
			topic.Verify = true
			d.topics = append(d.topics, topic)
		}
	}
}

// ready returns which groups are missing, by an answer that is not older than declaredEvery, or by the last one when the broker takes longer
// than declaredWait.
func (d *declared) ready() error {
	if len(d.topics) == 0 {
		return nil
	}
	d.mu.Lock()
	if d.answer == nil && !d.closed && time.Since(d.asked) >= declaredEvery {
		d.ask()
	}
	answer := d.answer
	d.mu.Unlock()
	if answer != nil {
		timer := time.NewTimer(declaredWait)
		defer timer.Stop()
		select {
		case <-answer:
		case <-timer.C:
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.missing
}

// ask asks the broker. d.mu is held.
func (d *declared) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), declaredMost) // the answer is for all who wait, and for the next
	answer := make(chan struct{})
	d.answer, d.cancel = answer, cancel
	d.asking.Go(func() {
		defer cancel()
		known, missing := d.look(ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		if known {
			d.missing = missing
		}
		d.asked, d.answer = time.Now(), nil
		close(answer)
	})
}

// look asks for all groups at once, and for each only when that tells of a difference. known is false when the broker could not tell.
func (d *declared) look(ctx context.Context) (known bool, missing error) {
	err := d.topology.Declare(ctx, d.topics)
	if !differs(err) {
		return err == nil, nil
	}
	var gone []error
	for _, topic := range d.topics {
		for _, group := range topic.Groups {
			one := topic
			one.Groups = []string{group}
			err := d.topology.Declare(ctx, []Topic{one})
			switch {
			case errors.Is(err, ErrUnknownTopic):
				gone = append(gone, &Error{Op: "ready", Broker: d.broker, Topic: topic.Name, Err: fmt.Errorf(
					"declared group %s is missing: %w", group, ErrUnknownTopic)})
			case err != nil && !differs(err):
				return false, nil
			}
		}
	}
	if len(gone) == 1 {
		return true, gone[0]
	}
	return true, errors.Join(gone...)
}

// differs reports whether err tells that something is not as declared, and not that the broker did not answer.
func differs(err error) bool {
	return errors.Is(err, ErrUnknownTopic) || errors.Is(err, ErrConflict)
}

// close ends a question that is under way and asks no other.
func (d *declared) close() {
	d.mu.Lock()
	d.closed = true
	if d.cancel != nil {
		d.cancel()
	}
	d.mu.Unlock()
	d.asking.Wait()
}
