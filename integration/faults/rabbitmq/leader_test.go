package rabbitmq_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/faults/matrix"
)

// A queue whose leader is gone answers nothing. Its topic's publishers wait; the other topics' go on, however much is sent to it. When it has
// a leader again, everything is answered.
func TestQueueWithoutALeaderHoldsUpItsTopicAlone(t *testing.T) {
	b := own(t)
	d := connect(t, b, func(c *rabbitmq.Config) { c.Pipeline = 50 })
	stuck, free := matrix.Topic(), matrix.Topic()
	must(t, d.Declare(t.Context(), []driver.TopicSpec{{Name: stuck, Groups: []string{"workers"}}, {Name: free, Groups: []string{"workers"}}}))
	for _, topic := range []string{stuck, free} {
		if fate := send(t, d, topic, "0"); fate != driver.Stored {
			t.Fatalf("before: %v", fate)
		}
	}
	queue := fmt.Sprintf(`{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<%q>>)), Pid = amqqueue:get_pid(Q), `,
		driver.Name(driver.KindGroup, stuck, "workers"))
	ctl(t, b, "eval", queue+"ra:stop_server(quorum_queues, Pid).")
	const many = 300 // on their way and waiting for their turn
	answers := make(chan driver.Fate, many)
	msgs := make([]*driver.Message, many)
	for i := range msgs {
		msgs[i] = &driver.Message{ID: strconv.Itoa(i + 1), Type: "thing.done", Body: []byte("{}")}
	}
	d.Publisher().Send(t.Context(), driver.Address{Topic: stuck}, msgs, fates(answers))
	for i := range 5 * 50 {
		if fate := within(t, d, free, strconv.Itoa(i+1)); fate != driver.Stored {
			t.Fatalf("message %d to the other topic: %v, want stored", i+1, fate)
		}
	}
	if len(answers) > 0 {
		t.Fatalf("the queue without a leader has answered %d times", len(answers))
	}
	if !msgs[many-1].Withdraw() {
		t.Error("a message that waits for its turn can't be withdrawn")
	} else if fate := <-answers; fate != driver.Unavailable {
		t.Errorf("a message that was withdrawn: %v, want unavailable", fate)
	}
	ctl(t, b, "eval", queue+"ra:restart_server(quorum_queues, Pid).")
	for i := range many - 1 {
		if fate := <-answers; fate != driver.Stored {
			t.Fatalf("answer %d with a leader again: %v, want stored", i, fate)
		}
	}
}

// within publishes a message and does not wait for ever.
func within(t *testing.T, d *rabbitmq.Driver, topic, id string) driver.Fate {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer := make(fates, 1)
	m := &driver.Message{ID: id, Type: "thing.done", Body: []byte("{}")}
	d.Publisher().Send(ctx, driver.Address{Topic: topic}, []*driver.Message{m}, answer)
	select {
	case fate := <-answer:
		return fate
	case <-ctx.Done():
		return 0
	}
}

// fates receives the fates of messages.
type fates chan driver.Fate

// Done implements driver.Result.
func (f fates) Done(_ int, fate driver.Fate, _ error) { f <- fate }
