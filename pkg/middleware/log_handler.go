package middleware

import (
	"context"
	"log/slog"
	"slices"
)

// Logger returns the logger that Log put into a handler's context, with the attributes event, type, correlation, topic, group and attempt on
// every line, whether the line is given a context or not. Anywhere else it returns slog.Default. It allocates: call it once in a handler.
// NewLogHandler does the same for code that knows nothing of this package.
func Logger(ctx context.Context) *slog.Logger {
	c, _ := ctx.Value(logKey{}).(*logContext)
	if c == nil {
		return slog.Default()
	}
	h := c.logger.Handler()
	if ours, ok := h.(*logHandler); ok {
		return slog.New(ours.bound(&c.about))
	}
	return slog.New(h.WithAttrs(c.about.attrs()))
}

// NewLogHandler wraps a slog.Handler: what is logged with a context inside a handler, by slog.InfoContext and its like, by whichever library,
// gets the attributes that Log's own lines have, outside all groups. It needs Log in the subscription's chain. Lines elsewhere are left
// alone. Make it the program's default with slog.SetDefault. It must not be wrapped around itself.
func NewLogHandler(h slog.Handler) slog.Handler {
	return &logHandler{root: h, current: h}
}

// logHandler adds the attributes of the context's event to the root, so that a group opened by WithGroup does not take them in.
type logHandler struct {
	root    slog.Handler
	current slog.Handler // root with steps
	steps   []logStep
	grouped bool
}

// logStep is a call of WithGroup, or of WithAttrs.
type logStep struct {
	group string
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.current.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	c, _ := ctx.Value(logKey{}).(*logContext)
	switch {
	case c == nil:
		return h.current.Handle(ctx, r)
	case h.grouped:
		return h.bound(&c.about).Handle(ctx, r)
	}
	r = r.Clone()
	r.AddAttrs(c.about.attrs()...)
	return h.current.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(logStep{attrs: attrs}, h.current.WithAttrs(attrs))
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(logStep{group: name}, h.current.WithGroup(name))
}

func (h *logHandler) with(s logStep, current slog.Handler) *logHandler {
	return &logHandler{root: h.root, current: current, steps: append(slices.Clip(h.steps), s), grouped: h.grouped || s.group != ""}
}

// bound returns the handler beneath with an event's attributes at the root, whatever context a line has.
func (h *logHandler) bound(a *about) slog.Handler {
	b := h.root.WithAttrs(a.attrs())
	for _, s := range h.steps {
		if s.group != "" {
			b = b.WithGroup(s.group)
		} else {
			b = b.WithAttrs(s.attrs)
		}
	}
	return b
}
