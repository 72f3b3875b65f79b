//go:build contract

package driver_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	heraldwatermill "github.com/herald-go/herald/contrib/watermill"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
)

// one is the failure of a sentence that wants several messages in hand: a subscriber of Watermill's has one out at a time, here one of the
// topic and one of the inbox.
var one = regexp.MustCompile("^received [12] of [0-9]+ messages: patience is over")

// contract runs the drivers' contract, but for what the one message at a time makes impossible. beyond are the other sentences that can't be
// kept, with the reason.
func contract(t *testing.T, config heraldwatermill.DriverConfig, beyond map[string]string) {
	t.Helper()
	t.Attr("suite", "drivertest")
	kept, several := 0, 0
	for _, v := range check(t, config) {
		switch {
		case v.Status == drivertest.Kept:
			kept++
		case v.Status == drivertest.NotRun || beyond[v.Sentence] != "":
		case one.MatchString(v.Messages[0]):
			several++
		default:
			t.Errorf("%s: %s", v.Sentence, strings.Join(v.Messages, "; "))
		}
	}
	t.Logf("%d sentences kept, %d that want several messages in hand", kept, several)
	if kept < 60 {
		t.Errorf("only %d sentences were kept", kept)
	}
}

func check(t *testing.T, config heraldwatermill.DriverConfig) []drivertest.Verdict {
	t.Helper()
	first, err := heraldwatermill.NewDriver(config)
	if err != nil {
		t.Fatal(err)
	}
	return drivertest.Check(t.Context(), drivertest.Harness{
		Name: config.Name, Patience: 15 * time.Second, Quiet: 300 * time.Millisecond, Late: 10 * time.Second, FiltersUnknown: true,
		Open: func(context.Context) (driver.Driver, error) { return first.Connect(), nil },
	})
}

// Watermill's subscriber closes a channel on which it may still send when it is closed, and the suite closes many: so this is asked for by its
// tag, without the race detector.
func TestNATS_KeepsTheContract(t *testing.T) {
	contract(t, startNATS(t).config(), map[string]string{
		"start/StartNewest is from now on":                    "a group begins with the oldest message",
		"inbox/a delayed message waits while nobody is there": "what Watermill drops when it is closed comes when the time to ack it is over",
	})
}
