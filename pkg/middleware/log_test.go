package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

// lines is a text handler without times.
func lines(to *bytes.Buffer, level slog.Level) slog.Handler {
	return slog.NewTextHandler(to, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}})
}

func secretive() *messaging.Delivery {
	return &messaging.Delivery{
		Event: envelope.Event{ID: "1", Type: "order.placed", CorrelationID: "c", Key: "secret", Data: []byte("secret"), Source: "secret"},
		Topic: "orders", Group: "billing", Attempt: 2,
	}
}

const about = "event=1 type=order.placed correlation=c topic=orders group=billing attempt=2"

func wantLines(t *testing.T, got *bytes.Buffer, want ...string) {
	t.Helper()
	text := strings.TrimSuffix(got.String(), "\n")
	if text != strings.Join(want, "\n") {
		t.Errorf("logged\n%s\nwant\n%s", text, strings.Join(want, "\n"))
	}
	if strings.Contains(text, "secret") {
		t.Error("logged what is not to be logged")
	}
}

func TestLog_StartAndOutcomeByVerdictWithDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got bytes.Buffer
		log := middleware.Log(middleware.LogConfig{Logger: slog.New(lines(&got, slog.LevelDebug))})
		for _, err := range []error{nil, errDown, messaging.Permanent(errDown), messaging.Snooze(time.Minute)} {
			h := log(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
				time.Sleep(3 * time.Millisecond)
				return err
			}))
			if returned := h.Handle(t.Context(), secretive()); !errors.Is(returned, err) {
				t.Errorf("returned %v", returned)
			}
		}
		start := "level=DEBUG msg=handling " + about
		wantLines(t, &got,
			start, "level=INFO msg=handled "+about+" duration=3ms",
			start, `level=WARN msg="handler failed" `+about+` duration=3ms verdict=retry err="service is down"`,
			start, `level=WARN msg="handler failed" `+about+` duration=3ms verdict=permanent err="service is down"`,
			start, `level=DEBUG msg="put off" `+about+` duration=3ms verdict=snooze err="snoozed for 1m0s"`,
		)
	})
}

func TestLog_LevelsAreTheLoggersAndTheConfigs(t *testing.T) {
	for level, want := range map[slog.Level]string{slog.LevelInfo: "level=INFO", slog.LevelWarn: ""} {
		var got bytes.Buffer
		log := middleware.Log(middleware.LogConfig{Logger: slog.New(lines(&got, level))})
		_ = log(returning(nil)).Handle(t.Context(), secretive())
		_ = log(returning(messaging.Release())).Handle(t.Context(), secretive())
		if !strings.HasPrefix(got.String(), want) || (want == "") != (got.Len() == 0) || strings.Count(got.String(), "\n") > 1 {
			t.Errorf("at %v: %s", level, &got)
		}
	}
	var got bytes.Buffer
	log := middleware.Log(middleware.LogConfig{Logger: slog.New(lines(&got, slog.LevelInfo)), Done: slog.LevelDebug})
	_ = log(returning(nil)).Handle(t.Context(), secretive())
	wantLines(t, &got)
}

func TestLog_PanicAndExitAreLoggedAndGoOn(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic(errDown) }, "exit": runtime.Goexit} {
		synctest.Test(t, func(t *testing.T) {
			var got bytes.Buffer
			log := middleware.Log(middleware.LogConfig{Logger: slog.New(lines(&got, slog.LevelInfo))})
			value := make(chan any, 1)
			go func() {
				defer func() { value <- recover() }()
				_ = log(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { end(); return nil })).Handle(t.Context(), secretive())
			}()
			if v := <-value; (v != nil) != (name == "panic") {
				t.Errorf("%s: recovered %v", name, v)
			}
			wantLines(t, &got, `level=WARN msg="handler did not return" `+about+" duration=0s")
		})
	}
}

func TestLogger_CarriesTheEventOnEveryLine(t *testing.T) {
	for name, wrap := range map[string]func(slog.Handler) slog.Handler{
		"plain":   func(h slog.Handler) slog.Handler { return h },
		"wrapped": middleware.NewLogHandler,
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			log := middleware.Log(middleware.LogConfig{Logger: slog.New(wrap(lines(&got, slog.LevelInfo))), Done: slog.LevelDebug})
			h := log(messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
				d.ID, d.Attempt = "changed", 99
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				middleware.Logger(ctx).Info("charging", "amount", 7)
				middleware.Logger(ctx).InfoContext(ctx, "charged")
				return nil
			}))
			_ = h.Handle(t.Context(), secretive())
			wantLines(t, &got, "level=INFO msg=charging "+about+" amount=7", "level=INFO msg=charged "+about)
		})
	}
	if middleware.Logger(t.Context()) != slog.Default() {
		t.Error("outside a handler it is not the default")
	}
}

func TestLog_CorrelationIsTheEventsIDWhereItBeginsOne(t *testing.T) {
	var got bytes.Buffer
	d := &messaging.Delivery{Event: envelope.Event{ID: "1", Type: "a"}, Topic: "orders", Attempt: 1} // a broadcast's: no group
	log := middleware.Log(middleware.LogConfig{Logger: slog.New(lines(&got, slog.LevelInfo)), Done: slog.LevelDebug})
	_ = log(messaging.HandlerFunc(func(ctx context.Context, _ *messaging.Delivery) error {
		middleware.Logger(ctx).Info("here")
		return nil
	})).Handle(t.Context(), d)
	wantLines(t, &got, "level=INFO msg=here event=1 type=a correlation=1 topic=orders attempt=1")
}

func TestNewLogHandler_AddsTheEventOutsideGroupsToLinesOfAnyLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got bytes.Buffer
		logger := slog.New(middleware.NewLogHandler(lines(&got, slog.LevelInfo)))
		log := middleware.Log(middleware.LogConfig{Logger: logger})
		_ = log(messaging.HandlerFunc(func(ctx context.Context, _ *messaging.Delivery) error {
			logger.InfoContext(ctx, "plain", "a", 1)
			logger.With("lib", "x").WithGroup("db").With("n", 1).InfoContext(ctx, "grouped", "a", 1)
			logger.WithGroup("db").With("n", 2).Info("no context", "a", 1)
			middleware.Logger(ctx).WithGroup("db").Info("bound", "a", 1)
			return nil
		})).Handle(t.Context(), secretive())
		wantLines(t, &got,
			"level=INFO msg=plain a=1 "+about,
			"level=INFO msg=grouped "+about+" lib=x db.n=1 db.a=1",
			`level=INFO msg="no context" db.n=2 db.a=1`,
			"level=INFO msg=bound "+about+" db.a=1",
			"level=INFO msg=handled duration=0s "+about, // once, although Log's logger has the wrapper as well
		)
	})
}

func TestNewLogHandler_IsASlogHandler(t *testing.T) {
	var buf bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		buf.Reset()
		return middleware.NewLogHandler(slog.NewJSONHandler(&buf, nil))
	}, func(t *testing.T) map[string]any {
		m := map[string]any{}
		if err := json.Unmarshal(buf.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}

func TestLog_OffAllocatesNothing(t *testing.T) {
	h := middleware.Log(middleware.LogConfig{Logger: slog.New(slog.DiscardHandler)})(returning(nil))
	d, ctx := secretive(), context.Background()
	if n := testing.AllocsPerRun(100, func() { _ = h.Handle(ctx, d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	quiet := slog.New(lines(&bytes.Buffer{}, slog.LevelWarn))
	h = middleware.Log(middleware.LogConfig{Logger: quiet})(returning(nil))
	if n := testing.AllocsPerRun(100, func() { _ = h.Handle(ctx, d) }); n != 1 {
		t.Errorf("%v allocations for a context", n)
	}
}

func TestLog_ThroughABroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got bytes.Buffer
		s := newShop(t)
		log := middleware.Log(middleware.LogConfig{Logger: slog.New(lines(&got, slog.LevelInfo))})
		s.subscribe("orders", log, func(_ context.Context, d *messaging.Delivery) error {
			if d.Attempt == 1 {
				return errors.New("first")
			}
			return nil
		})
		if err := s.Publish(t.Context(), "orders", envelope.New("order.placed", nil, envelope.ID("1"))); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		line := "event=1 type=order.placed correlation=1 topic=orders group=billing attempt="
		wantLines(t, &got,
			`level=WARN msg="handler failed" `+line+"1 duration=0s verdict=retry err=first",
			"level=INFO msg=handled "+line+"2 duration=0s",
		)
	})
}
