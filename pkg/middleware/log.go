package middleware

import (
	"context"
	"log/slog"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// LogConfig says where lines go. The zero value is ready.
type LogConfig struct {
	// Logger gets the lines. Defaults to slog.Default at the time when Log is called.
	Logger *slog.Logger
	// Done is the level of the line for an event that is done. Defaults to slog.LevelInfo (its zero value); slog.LevelDebug is for services
	// with so many events that a line for each is too much.
	Done slog.Level
}

// Log returns a middleware that logs each attempt: at debug when it starts, and when it ends with its duration, at LogConfig.Done when the
// event is done, at debug when it is put off by Snooze or Release, and at warn with the error when it failed. Each line has the attributes
// event, type, correlation (the event's id where it begins one), topic, group and attempt. The data, key and headers of an event are never logged; an error's text is.
//
// The handler's context carries the logger: Logger returns it. A logger that does not take lines at warn is off: then Log passes events on,
// allocates nothing, and the context carries nothing. Otherwise a line that is below the logger's level costs nothing, and the context one
// allocation.
//
// It keeps no state. It stands outermost to time the whole chain.
func Log(cfg LogConfig) messaging.Middleware {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return func(next messaging.Handler) messaging.Handler {
		return &logs{logger: cfg.Logger, done: cfg.Done, next: next}
	}
}

type logs struct {
	logger *slog.Logger
	done   slog.Level
	next   messaging.Handler
}

// Handle implements messaging.Handler.
func (l *logs) Handle(ctx context.Context, d *messaging.Delivery) error {
	if !l.logger.Enabled(ctx, slog.LevelWarn) {
		return l.next.Handle(ctx, d)
	}
	logged := &logContext{Context: ctx, logger: l.logger, about: describe(d)}
	if l.logger.Enabled(ctx, slog.LevelDebug) {
		logged.line(slog.LevelDebug, "handling")
	}
	start := time.Now()
	returned := false
	defer func() {
		if !returned { // a panic goes on to messaging, which logs and keeps it; this line has the event's attributes
			logged.line(slog.LevelWarn, "handler did not return", slog.Duration("duration", time.Since(start)))
		}
	}()
	err := l.next.Handle(logged, d)
	returned = true
	l.ended(logged, err, start)
	return err
}

// ended logs the end of an attempt.
func (l *logs) ended(ctx *logContext, err error, start time.Time) {
	level, message := l.done, "handled"
	v := messaging.VerdictOf(err)
	switch {
	case v.Failure():
		level, message = slog.LevelWarn, "handler failed"
	case err != nil:
		level, message = slog.LevelDebug, "put off"
	}
	if !l.logger.Enabled(ctx, level) {
		return
	}
	took := slog.Duration("duration", time.Since(start))
	if err == nil {
		ctx.line(level, message, took)
		return
	}
	ctx.line(level, message, took, slog.String("verdict", v.String()), slog.Any("err", err))
}

// about is what lines say about an event. It is copied: the handler may change its delivery, and a line may be written after its end.
type about struct {
	event, typ, correlation, topic, group string
	attempt                               int
}

func describe(d *messaging.Delivery) about {
	correlation := d.CorrelationID
	if correlation == "" {
		correlation = d.ID // as for events that it causes
	}
	return about{d.ID, d.Type, correlation, d.Topic, d.Group, d.Attempt}
}

// attrs are the attributes, without those that are empty.
func (a *about) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 6)
	for _, v := range [...]struct{ key, value string }{
		{"event", a.event}, {"type", a.typ}, {"correlation", a.correlation}, {"topic", a.topic}, {"group", a.group},
	} {
		if v.value != "" {
			attrs = append(attrs, slog.String(v.key, v.value))
		}
	}
	return append(attrs, slog.Int("attempt", a.attempt))
}

// logContext is a handler's context with what its lines say, in one allocation.
type logContext struct {
	context.Context
	logger *slog.Logger
	about  about
}

type logKey struct{}

// Value implements context.Context.
func (c *logContext) Value(key any) any {
	if _, ok := key.(logKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// line writes one line with the event's attributes.
func (c *logContext) line(level slog.Level, message string, attrs ...slog.Attr) {
	if _, ours := c.logger.Handler().(*logHandler); !ours {
		attrs = append(c.about.attrs(), attrs...)
	}
	c.logger.LogAttrs(c, level, message, attrs...)
}
