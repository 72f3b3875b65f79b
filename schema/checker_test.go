package schema_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
)

// compiler makes validators that want data to begin with the schema's text. A text of "broken" does not compile.
type compiler struct{ compiled atomic.Int32 }

func (c *compiler) Format() schema.Format { return schema.JSONSchema }

func (c *compiler) Compile(s schema.Schema) (schema.Validator, error) {
	c.compiled.Add(1)
	if string(s.Text) == "broken" {
		return nil, fmt.Errorf("%w: %s", schema.ErrInvalidSchema, s.Source)
	}
	return prefix(s.Text), nil
}

type prefix string

func (p prefix) Validate(data []byte) error {
	if bytes.HasPrefix(data, []byte(p)) {
		return nil
	}
	return schema.NewError([]schema.Violation{{Pointer: "/a", Keyword: "prefix", Expected: "the prefix " + string(p)}})
}

// registry answers with a function.
type registry func(schema.Ref) (schema.Schema, error)

func (r registry) Schema(_ context.Context, ref schema.Ref) (schema.Schema, error) { return r(ref) }

func checker(t *testing.T, c schema.CheckerConfig) *schema.Checker {
	t.Helper()
	if c.Compilers == nil {
		c.Compilers = []schema.Compiler{&compiler{}}
	}
	k, err := schema.NewChecker(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func memory(t *testing.T, texts map[string]string) *schema.Memory {
	t.Helper()
	m := &schema.Memory{}
	for typ, s := range texts {
		if err := m.Put(schema.Ref{Type: typ, Version: "1"}, text(s)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func event(typ, data string) *envelope.Event {
	e := envelope.New(typ, []byte(data))
	return &e
}

func TestWhatDoesNotFitIsAMismatchWithTheSchemasName(t *testing.T) {
	t.Parallel()
	k := checker(t, schema.CheckerConfig{Registry: memory(t, map[string]string{"order.placed": "{"})})
	for op, check := range map[string]func(context.Context, string, *envelope.Event) error{"publish": k.CheckPublish, "receive": k.CheckReceive} {
		if err := check(t.Context(), "orders", event("order.placed", `{}`)); err != nil {
			t.Errorf("%s: %v", op, err)
		}
		err := check(t.Context(), "orders", event("order.placed", `secret`))
		var failed *schema.Error
		if !errors.As(err, &failed) || failed.Ref != (schema.Ref{Type: "order.placed", Version: "1"}) || isTemporary(err) {
			t.Errorf("%s: %v", op, err)
		}
		const want = "data does not fit its schema order.placed version 1: /a: expected the prefix {"
		if err.Error() != want {
			t.Errorf("%s: %v, want %s", op, err, want)
		}
	}
}

func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

func TestUnknownTypesFollowThePolicyOfTheTopic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	k := checker(t, schema.CheckerConfig{
		Registry: memory(t, map[string]string{"known": "{"}), Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Topics: map[string]schema.Policy{"pass": schema.Pass, "warn": schema.Warn, "skip": schema.Skip},
	})
	for _, tc := range []struct {
		topic, typ, data string
		want             error
	}{
		{"other", "unknown", `x`, schema.ErrUnknown},
		{"pass", "unknown", `x`, nil},
		{"warn", "unknown", `x`, nil},
		{"warn", "unknown", `x`, nil},
		{"skip", "unknown", `x`, nil},
		{"skip", "known", `x`, nil},
		{"pass", "known", `x`, schema.ErrMismatch},
		{"warn", "known", `x`, schema.ErrMismatch},
	} {
		if err := k.CheckPublish(t.Context(), tc.topic, event(tc.typ, tc.data)); !errors.Is(err, tc.want) || isTemporary(err) {
			t.Errorf("%s %s: %v, want %v", tc.topic, tc.typ, err, tc.want)
		}
	}
	if n := strings.Count(log.String(), "no schema"); n != 1 || !strings.Contains(log.String(), "type=unknown version=1") {
		t.Errorf("logged %d times: %s", n, &log)
	}
}

func TestARegistryThatDoesNotAnswerIsTemporary(t *testing.T) {
	t.Parallel()
	errAway := errors.New("away")
	isAway := true
	k := checker(t, schema.CheckerConfig{Registry: registry(func(schema.Ref) (schema.Schema, error) {
		if isAway {
			return schema.Schema{}, errAway
		}
		return text("{"), nil
	}), Unknown: schema.Pass})
	err := k.CheckReceive(t.Context(), "orders", event("order.placed", `{}`))
	if !errors.Is(err, errAway) || !isTemporary(err) {
		t.Errorf("%v", err)
	}
	isAway = false
	if err := k.CheckReceive(t.Context(), "orders", event("order.placed", `{}`)); err != nil {
		t.Errorf("the error was kept: %v", err)
	}
}

func TestABrokenSchemaIsForGoodAndFoundAtOnceInMemory(t *testing.T) {
	t.Parallel()
	_, err := schema.NewChecker(schema.CheckerConfig{Registry: memory(t, map[string]string{"a": "broken", "b": "{", "c": "broken "}), Compilers: []schema.Compiler{&compiler{}}})
	if !errors.Is(err, schema.ErrInvalidSchema) {
		t.Error(err)
	}
	k := checker(t, schema.CheckerConfig{Registry: registry(func(schema.Ref) (schema.Schema, error) { return text("broken"), nil })})
	if err := k.CheckPublish(t.Context(), "orders", event("a", `{}`)); !errors.Is(err, schema.ErrInvalidSchema) || isTemporary(err) {
		t.Error(err)
	}
	other := checker(t, schema.CheckerConfig{Registry: registry(func(schema.Ref) (schema.Schema, error) { return schema.Schema{Format: schema.Avro}, nil })})
	if err := other.CheckPublish(t.Context(), "orders", event("a", `{}`)); !errors.Is(err, schema.ErrInvalidSchema) {
		t.Error(err)
	}
	if _, err := schema.NewChecker(schema.CheckerConfig{}); err == nil {
		t.Error("no registry was taken")
	}
}

// brackets frames data with [ and ].
type brackets struct{}

func (brackets) Frame(_ context.Context, _ schema.Ref, _ schema.Schema, data []byte) ([]byte, error) {
	return []byte("[" + string(data) + "]"), nil
}

func (brackets) Unframe(_ context.Context, _ schema.Ref, _ schema.Schema, data []byte) ([]byte, error) {
	if len(data) < 2 || data[0] != '[' {
		return nil, schema.NewError([]schema.Violation{{Keyword: "frame", Expected: "brackets"}})
	}
	return data[1 : len(data)-1], nil
}

func TestTheFrameIsWrittenAfterTheCheckAndTakenAwayBeforeIt(t *testing.T) {
	t.Parallel()
	k := checker(t, schema.CheckerConfig{Registry: memory(t, map[string]string{"a": "{"}), Framing: brackets{}, Unknown: schema.Pass})
	e := event("a", `{}`)
	mine := e.Data
	if err := k.CheckPublish(t.Context(), "orders", e); err != nil || string(e.Data) != "[{}]" || string(mine) != "{}" {
		t.Fatalf("%s, %s, %v", e.Data, mine, err)
	}
	if err := k.CheckReceive(t.Context(), "orders", e); err != nil || string(e.Data) != "{}" {
		t.Errorf("%s, %v", e.Data, err)
	}
	var failed *schema.Error
	if err := k.CheckReceive(t.Context(), "orders", e); !errors.As(err, &failed) || failed.Ref.Type != "a" || string(e.Data) != "{}" {
		t.Errorf("%s, %v", e.Data, err)
	}
	unknown := event("b", `{}`)
	if err := k.CheckPublish(t.Context(), "orders", unknown); err != nil || string(unknown.Data) != "{}" {
		t.Errorf("%s, %v", unknown.Data, err)
	}
}

func TestNoSchemaIsCompiledTwiceAndTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := &compiler{}
	all := schema.NewCompilers(10, c)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for i := range 10 {
				if _, err := all.Validator(text(strings.Repeat("x", i))); err != nil {
					t.Error(err)
				}
				if _, err := all.Validator(schema.Schema{Format: schema.JSONSchema, Text: []byte(strings.Repeat("x", i)), Source: "elsewhere"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := c.compiled.Load(); n != 10 {
		t.Errorf("%d schemas were compiled %d times", 10, n)
	}
	for i := range 100 {
		if _, err := all.Validator(text(strings.Repeat("y", i+1))); err != nil {
			t.Fatal(err)
		}
	}
	before := c.compiled.Load()
	if _, err := all.Validator(text("")); err != nil || c.compiled.Load() != before+1 {
		t.Error("the cache kept more than it may", err)
	}
}

func TestTheCheckerAsksOnceForEachTypeAndVersion(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	k := checker(t, schema.CheckerConfig{Cache: 4, Registry: registry(func(schema.Ref) (schema.Schema, error) { asked.Add(1); return text("{"), nil })})
	for range 10 {
		for _, v := range []string{"", "1", "1.0"} {
			e := event("a", `{}`)
			e.Version = v
			if err := k.CheckPublish(t.Context(), "orders", e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	for i := range 100 {
		if err := k.CheckPublish(t.Context(), "orders", event(fmt.Sprintf("t%d", i), `{}`)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnErrorIsSortedBoundedAndHasEachPlaceOnce(t *testing.T) {
	t.Parallel()
	var all []schema.Violation
	for i := 29; i >= 0; i-- {
		v := schema.Violation{Pointer: fmt.Sprintf("/items/%d", i), Keyword: "type", Expected: "string"}
		all = append(all, v, v)
	}
	err := schema.NewError(all)
	if len(err.Violations) != schema.MaxViolations || err.More != 30-schema.MaxViolations || err.Violations[2].Pointer != "/items/2" || err.Violations[10].Pointer != "/items/10" {
		t.Errorf("%+v", err)
	}
	if schema.NewError(nil) != nil {
		t.Error("no violation is an error")
	}
	if got := schema.Pointer("/a", "b/c~d"); got != "/a/b~1c~0d" {
		t.Error(got)
	}
}

// BenchmarkChecker is what the checker adds to validating: it looks up the type and version.
func BenchmarkChecker(b *testing.B) {
	m := &schema.Memory{}
	if err := m.Put(schema.Ref{Type: "order.placed", Version: "1"}, text("{")); err != nil {
		b.Fatal(err)
	}
	k, err := schema.NewChecker(schema.CheckerConfig{Registry: m, Compilers: []schema.Compiler{&compiler{}}})
	if err != nil {
		b.Fatal(err)
	}
	e, ctx := event("order.placed", `{}`), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := k.CheckPublish(ctx, "orders", e); err != nil {
			b.Fatal(err)
		}
	}
}
