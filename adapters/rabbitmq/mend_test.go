package rabbitmq_test

import (
	"errors"
	"slices"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// A message comes back, and the connection is lost before anybody could ask whether the topic has groups that have lost their bindings: whoever
// published it must not be told that there is none, and give up. What was not asked is not remembered as an answer either.
func TestWhatCameBackIsNotCalledUnroutableUnasked(t *testing.T) {
	t.Parallel()
	p := rabbitmq.NewPublishes(100, 2)
	if err := p.Lose(); err != nil {
		t.Fatal(err)
	}
	p.Return("1")
	p.Return("2")
	p.Answer(2, true, false)
	if got, _ := p.Fates(); !slices.Equal(got, []driver.Fate{driver.Unavailable, driver.Unavailable}) {
		t.Errorf("fates are %v, want unavailable", got)
	}
	if done, err := p.Missed(); done || !errors.Is(err, amqp.ErrClosed) {
		t.Errorf("the next one is told %v, %v, want what kept the broker from answering", done, err)
	}
}

// The broker calls a queue not found whose node is down: it is there all the same.
func TestFound_TellsAMissingQueueFromOneThatIsAway(t *testing.T) {
	t.Parallel()
	for text, missing := range map[string]bool{
		"NOT_FOUND - no queue 'q' in vhost '/'":                                                        true,
		"NOT_FOUND - no exchange 'x' in vhost '/'":                                                     true,
		"NOT_FOUND - home node 'rabbit@one' of durable queue 'q' in vhost '/' is down or inaccessible": false,
		"NOT_FOUND - failed to perform operation on queue 'q' in vhost '/' due to timeout":             false,
	} {
		err := &amqp.Error{Code: amqp.NotFound, Reason: text}
		there, got := rabbitmq.Found(err)
		if there || (got == nil) != missing {
			t.Errorf("%s: there %v, %v", text, there, got)
		}
		if unknown := errors.Is(rabbitmq.Explain(err), driver.ErrUnknownTopic); unknown != missing {
			t.Errorf("%s: unknown %v, want %v", text, unknown, missing)
		}
	}
}
