package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// play runs the demo in a bubble, where time passes only when everybody waits and a goroutine that is left behind fails the test.
func play(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		code = run(t.Context(), args, &out, &errs)
	})
	return code, out.String(), errs.String()
}

// wants fails the test for each text that is not there.
func wants(t *testing.T, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("no %q in:\n%s", text, got)
		}
	}
}

func TestEveryGroupHandlesEverything(t *testing.T) {
	t.Parallel()
	code, out, stderr := play(t, "-limit", "2000", "-sample", "100")
	if code != 0 || stderr != "" || strings.Contains(out, "WRONG") {
		t.Fatalf("exit status %d, stderr %q, stdout:\n%s", code, stderr, out)
	}
	wants(t, out,
		"2,000 orders of 1,899 customers",
		"The mail server is away for 1s.", "The mail server is back.",
		`order-334, decode, in email, inventory, analytics, loyalty:`, `not an amount such as 29.33`,
		"order-667, decode", "cannot unmarshal number into Go struct field Order.amount",
		"order-1001, decode", "cannot unmarshal string into Go struct field Order.items",
		"order-1334, decode", "unexpected end of JSON input",
		"order-1667, permanent",
		"20 dead letters are sent back",
		"2 orders were published twice",
		"0 out of order, 5 late from the dead letters",
		"All 2,000 orders were handled by every group, to the cent.",
	)
}

func TestOutageLongerThanAllRetriesEndsInDeadLettersAndIsMended(t *testing.T) {
	t.Parallel()
	code, out, stderr := play(t, "-limit", "2000", "-sample", "0", "-outage", "1m")
	if code != 0 || stderr != "" {
		t.Fatalf("exit status %d, stderr %q, stdout:\n%s", code, stderr, out)
	}
	wants(t, out, "exhausted, in email", "421 service not available", "All 2,000 orders were handled")
}

func TestNoOutage(t *testing.T) {
	t.Parallel()
	code, out, stderr := play(t, "-limit", "10", "-sample", "10", "-outage", "0")
	if code != 0 || stderr != "" || strings.Contains(out, "mail server away") {
		t.Fatalf("exit status %d, stderr %q, stdout:\n%s", code, stderr, out)
	}
}

func TestPassesOnBrokersThatMemoryPlays(t *testing.T) {
	t.Parallel()
	for _, like := range []string{memory.LikeRabbitMQ, memory.LikeKafka, memory.LikeRedis} {
		code, out, stderr := play(t, "-limit", "500", "-sample", "50", "-broker", "memory://?like="+like)
		if code != 0 || stderr != "" {
			t.Errorf("like %s: exit status %d, stderr %q, stdout:\n%s", like, code, stderr, out)
		}
	}
}

func TestHandlerThatForgetsOrdersFailsTheRun(t *testing.T) {
	t.Parallel()
	code, out, stderr := play(t, "-limit", "3000", "-sample", "0", "-outage", "0", "-break", "drop")
	if code != 1 {
		t.Errorf("exit status %d", code)
	}
	wants(t, stderr, errDiffers.Error())
	wants(t, out, "analytics: 12 orders were never handled: 17, 267, 517, 767, 1017, 1267, 1517, 1767, 2017, 2267 and 2 more",
		"analytics: revenue of 1997-01 is $102,458.00, not $102,864.89", "-break drop asked for it.")
}

func TestHandlerThatCountsDuplicatesFailsTheRun(t *testing.T) {
	t.Parallel()
	code, out, stderr := play(t, "-limit", "3000", "-sample", "0", "-outage", "0", "-break", "twice")
	if code != 1 {
		t.Errorf("exit status %d", code)
	}
	wants(t, stderr, errDiffers.Error())
	wants(t, out, "loyalty: 3 orders were counted more than once: 402, 1402, 2402", "3 customers have other points")
}

func TestSignalStopsTheRunInGoodOrder(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if code := run(ctx, []string{"-limit", "10000"}, &out, &errs); code != 1 {
			t.Errorf("exit status %d", code)
		}
	})
	wants(t, errs.String(), "stopped before the end")
	if strings.Contains(out.String(), "orders were handled by every group") {
		t.Error("it claims to have checked everything")
	}
}

func TestTimeoutSaysWhatIsNotFinished(t *testing.T) {
	t.Parallel()
	code, _, stderr := play(t, "-limit", "500", "-outage", "1h", "-timeout", "1s")
	if code != 1 {
		t.Errorf("exit status %d", code)
	}
	wants(t, stderr, "group email of topic orders has not finished", "not finished after 1s (-timeout)")
}

func TestBrokerThatIsNotThereIsAnErrorWithoutPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "s3cret", "user:s3cret@host", "gopher://user:s3cret@host/", "://user:s3cret@host", "memory://user:s3cret@host/%zz", "memory://?s3cret=1",
	} {
		code, out, stderr := play(t, "-limit", "10", "-broker", url)
		if code != 1 || out != "" || !strings.HasPrefix(stderr, "checkout: broker: ") {
			t.Errorf("%q: exit status %d, stdout %q, stderr %q", url, code, out, stderr)
		}
		if strings.Contains(stderr, "s3cret@") || strings.Contains(stderr, ":s3cret") {
			t.Errorf("%q: the password is in %q", url, stderr)
		}
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"extra"}, {"-break", "all"}, {"-checkouts", "0"}, {"-limit", "-1"}, {"-outage", "-1s"}, {"-timeout", "0"}, {"-nothing"},
	} {
		if code, out, stderr := play(t, args...); code != 2 || out != "" || stderr == "" {
			t.Errorf("%q: exit status %d, stdout %q, stderr %q", args, code, out, stderr)
		}
	}
}

func TestTopicsOfABrokerThatStaysHaveASuffix(t *testing.T) {
	t.Parallel()
	if got, want := nameTopics("memory://?like=kafka"), (topics{orders: "orders", rejections: "rejections", sample: "sample"}); got != want {
		t.Errorf("in memory: %+v", got)
	}
	a, b := nameTopics("amqp://localhost"), nameTopics("amqp://localhost")
	if a == b || a.suffix == "" || a.orders != "orders"+a.suffix || a.rejections != "rejections"+a.suffix || a.sample != "sample"+a.suffix {
		t.Errorf("two runs: %+v and %+v", a, b)
	}
	for _, name := range []string{a.orders, a.rejections, a.sample} {
		if !driver.ValidName(name) {
			t.Errorf("%q is no name for a topic", name)
		}
	}
}

// lagless hides every side interface of a driver.
type lagless struct{ driver.Driver }

func TestSettleWaitsWithoutLagUntilAllIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, err := memory.NewServer(memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := messaging.New(t.Context(), lagless{server.Connect()})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close(t.Context())
		var attempts atomic.Int64
		h := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
			if attempts.Add(1) < 16 { // the last attempt that the policy allows
				return errors.New("not yet")
			}
			return nil
		})
		if _, err := b.Subscribe(t.Context(), "orders", h, messaging.Group("g"), messaging.Retry(retryPolicy)); err != nil {
			t.Fatal(err)
		}
		if err := b.Publish(t.Context(), "orders", envelope.New("order.placed", nil)); err != nil {
			t.Fatal(err)
		}
		if err := settle(t.Context(), b, []*member{{topic: "orders", group: "g"}}); err != nil {
			t.Fatal(err)
		}
		if n := attempts.Load(); n != 16 || b.Stats().Dead != 0 {
			t.Errorf("settled after %d attempts, %+v", n, b.Stats())
		}
	})
}

// busy is a driver that owes its first answers to the question for a lag, and then once sees nothing of what there is.
type busy struct {
	driver.Driver
	driver.Lagger
	asked atomic.Int64
}

// Lag implements driver.Lagger.
func (d *busy) Lag(ctx context.Context, topic, group string) (driver.Lag, error) {
	switch n := d.asked.Add(1); {
	case n <= 3:
		return driver.Lag{}, errors.New("no answer")
	case n == 4:
		return driver.Lag{}, nil
	}
	return d.Lagger.Lag(ctx, topic, group)
}

func TestSettleAsksABusyBrokerAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, err := memory.NewServer(memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		d := server.Connect()
		b, err := messaging.New(t.Context(), &busy{Driver: d, Lagger: d.(driver.Lagger)})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close(t.Context())
		var handled atomic.Bool
		h := messaging.HandlerFunc(func(ctx context.Context, _ *messaging.Delivery) error {
			defer handled.Store(true)
			return pause(ctx, 10*time.Second)
		})
		if _, err := b.Subscribe(t.Context(), "orders", h, messaging.Group("g")); err != nil {
			t.Fatal(err)
		}
		if err := b.Publish(t.Context(), "orders", envelope.New("order.placed", nil)); err != nil {
			t.Fatal(err)
		}
		if err := settle(t.Context(), b, []*member{{topic: "orders", group: "g"}}); err != nil || !handled.Load() {
			t.Errorf("settled with %v, handled: %v", err, handled.Load())
		}
		unknown := &member{topic: "orders", group: "nobody"}
		if err := unknown.settle(t.Context(), b); !errors.Is(err, messaging.ErrUnknownTopic) {
			t.Errorf("what is never answered: %v", err)
		}
	})
}

func TestNoGroupIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		orders, err := loadOrders("", 100)
		if err != nil {
			t.Fatal(err)
		}
		s := newStage(&options{broker: "memory://", checkouts: 2, sample: 10, charge: time.Millisecond}, orders)
		s.display = &display{out: io.Discard, look: s.look}
		if s.broker, err = openBroker(t.Context(), s.opt.broker, s.counts.hooks()); err != nil {
			t.Fatal(err)
		}
		defer s.broker.Close(t.Context())
		sum, err := s.play(t.Context())
		if err := errors.Join(err, s.leave(t.Context(), sum)); err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{"orders", "rejections", "sample"} {
			if left, err := s.broker.Groups(t.Context(), topic); err != nil || len(left) != 0 {
				t.Errorf("topic %s: left are %+v, %v", topic, left, err)
			}
		}
	})
}
