package heraldwatermill_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"

	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
)

// kept is a subscriber whose Close leaves the one beneath open, which others use: the end of Subscribe's context closes the channel.
type kept struct{ message.Subscriber }

func (kept) Close() error { return nil }

// goChannel configures a driver over Watermill's own channels: every subscriber gets every message from then on.
func goChannel(t testing.TB) heraldwatermill.DriverConfig {
	t.Helper()
	pubsub := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
	t.Cleanup(func() { _ = pubsub.Close() })
	return heraldwatermill.DriverConfig{
		Name: "gochannel", Publisher: pubsub, Broadcast: true,
		Subscriber: func(string) (message.Subscriber, error) { return kept{pubsub}, nil },
	}
}

// unordered is the failure of a sentence by order: GoChannel sends each message from a goroutine of its own.
var unordered = regexp.MustCompile("number [0-9]+ is [^ ]+, want [^ ]+ ")

// leaving is the one sentence that those goroutines break by themselves: each waits for the ack.
const leaving = "close/a cancelled Send and Receive leave no goroutine behind"

func TestDriver_OverGoChannelKeepsTheContractButTheOrder(t *testing.T) {
	t.Parallel()
	t.Attr("suite", "drivertest")
	t.Attr("broker", "gochannel")
	first, err := heraldwatermill.NewDriver(goChannel(t))
	if err != nil {
		t.Fatal(err)
	}
	harness := drivertest.Harness{
		Name: "gochannel", Patience: 15 * time.Second,
		Open: func(context.Context) (driver.Driver, error) { return first.Connect(), nil },
	}
	ran := 0
	for _, v := range drivertest.Check(t.Context(), harness) {
		disordered := !slices.ContainsFunc(v.Messages, func(m string) bool { return !unordered.MatchString(m) })
		if v.Status == drivertest.Broken && v.Sentence != leaving && !disordered {
			t.Errorf("%s: %s", v.Sentence, strings.Join(v.Messages, "; "))
		}
		if v.Status == drivertest.Kept {
			ran++
		}
	}
	if ran < 40 {
		t.Errorf("only %d sentences were kept", ran)
	}
}

// A subscription whose broker ends it for good ends its channel, so that a router notices.
func TestSubscriber_AFailedSubscriptionClosesItsChannel(t *testing.T) {
	t.Parallel()
	channels := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
	broker, err := heraldwatermill.Open(t.Context(), heraldwatermill.DriverConfig{
		Publisher: channels, Broadcast: true, Subscriber: func(string) (message.Subscriber, error) { return kept{channels}, nil },
	})
	must(t, err)
	t.Cleanup(func() { must(t, broker.Close(context.Background())) })
	subscriber, err := heraldwatermill.NewSubscriber(broker, heraldwatermill.SubscriberConfig{Broadcast: true})
	must(t, err)
	messages, err := subscriber.Subscribe(t.Context(), "orders")
	must(t, err)
	must(t, channels.Close())
	if m := next(t, messages); m != nil {
		t.Errorf("message %s came", m.UUID)
	}
}
