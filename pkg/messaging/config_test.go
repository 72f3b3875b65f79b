package messaging_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// refused checks an error for its sentinel and for words that tell a person what to do.
func refused(t *testing.T, what string, err, sentinel error, texts ...string) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Errorf("%s: %v, want %v", what, err, sentinel)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %q does not say %q", what, err, text)
		}
	}
}

const nameRule = "must be words of letters, digits, _ and - joined by single dots, at most 100 characters"

func TestConfig_InvalidValuesAreNamed(t *testing.T) {
	t.Parallel()
	topic := func(change func(*messaging.Topic)) messaging.Config {
		tp := messaging.Topic{Name: "orders"}
		change(&tp)
		return messaging.Config{Topics: []messaging.Topic{{Name: "good"}, tp}}
	}
	for _, tc := range []struct {
		config messaging.Config
		want   string
	}{
		{messaging.Config{Service: "two words"}, `service name "two words" ` + nameRule},
		{messaging.Config{Form: "xml"}, `form "xml": write binary, json, cloudevents or cloudevents-json`},
		{messaging.Config{PublishTimeout: -1}, "publish and drain time-outs must not be negative"},
		{messaging.Config{DrainTimeout: -1}, "publish and drain time-outs must not be negative"},
		{messaging.Config{Unrouted: 3}, "unknown policy 3 for unrouted events"},
		{messaging.Config{MustRunOn: []string{"kafka", "carrier-pigeon"}}, `must_run_on "carrier-pigeon": known are memory, rabbitmq, kafka, redis`},
		{topic(func(tp *messaging.Topic) { tp.Name = "a..b" }), `topic name "a..b" ` + nameRule},
		{topic(func(tp *messaging.Topic) { tp.Groups = []string{"ok", ".x"} }), `group name ".x" ` + nameRule},
		{topic(func(tp *messaging.Topic) { tp.Partitions = -1 }), "topic orders: partitions must be between 0 and 64"},
		{topic(func(tp *messaging.Topic) { tp.Partitions = 65 }), "topic orders: partitions must be between 0 and 64"},
		{topic(func(tp *messaging.Topic) { tp.MaxAge = -1 }), "topic orders: limits must not be negative"},
		{topic(func(tp *messaging.Topic) { tp.MaxBytes = -1 }), "topic orders: limits must not be negative"},
		{topic(func(tp *messaging.Topic) { tp.MaxCount = -1 }), "topic orders: limits must not be negative"},
	} {
		refused(t, tc.want, tc.config.Validate(), messaging.ErrInvalid, tc.want)
		d := &closing{line: &line{}}
		b, err := messaging.New(t.Context(), d, messaging.WithConfig(tc.config))
		refused(t, "opening: "+tc.want, err, messaging.ErrInvalid, "open: ", tc.want)
		if b != nil || !d.closed {
			t.Errorf("%s: broker %v, driver closed %v", tc.want, b, d.closed)
		}
	}
	all := messaging.Config{Service: "a b", Form: "xml", Unrouted: 9}.Validate()
	refused(t, "everything at once", all, messaging.ErrInvalid, "service", "form", "unknown policy")
	if err := (messaging.Config{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}

// closing notes that it was closed.
type closing struct {
	*line
	closed bool
}

func (d *closing) Close(context.Context) error { d.closed = true; return nil }

func TestConfig_WhatTheBrokerCantIsRefusedAtOpen(t *testing.T) {
	t.Parallel()
	keep := messaging.Config{Unrouted: messaging.KeepUnrouted}
	_, err := messaging.New(t.Context(), connect(t, memory.Config{Like: memory.LikeRabbitMQ}), messaging.WithConfig(keep))
	refused(t, "keep like rabbitmq", err, messaging.ErrUnsupported, "keep")

	keep.MustRunOn = []string{"kafka", "rabbitmq"}
	_, err = messaging.New(t.Context(), connect(t, memory.Config{}), messaging.WithConfig(keep))
	refused(t, "keep that must run on rabbitmq", err, messaging.ErrUnsupported, "must run on rabbitmq, which has not (events are kept only for groups that exist)")

	keep.MustRunOn = []string{"kafka", "redis", "memory"}
	b, err := messaging.New(t.Context(), connect(t, memory.Config{}), messaging.WithConfig(keep))
	if err != nil {
		t.Fatalf("keep where all can: %v", err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}

	topics := messaging.Config{Topics: []messaging.Topic{{Name: "orders"}}}
	_, err = messaging.New(t.Context(), &line{}, messaging.WithConfig(topics))
	refused(t, "topics without topology", err, messaging.ErrUnsupported, "declaring topics")
}

func TestConfig_TopicsAreDeclaredAtOpen(t *testing.T) {
	t.Parallel()
	b := open(t, messaging.WithConfig(messaging.Config{Topics: []messaging.Topic{{Name: "orders", Groups: []string{"billing", "audit"}}}}))
	if err := b.Publish(t.Context(), "orders", placed("1")...); err != nil {
		t.Errorf("the declared groups: %v", err)
	}
	groups, err := b.Groups(t.Context(), "orders")
	if err != nil || len(groups) != 2 || groups[0].Name != "audit" || groups[0].Lag.Count != 1 || groups[1].Name != "billing" {
		t.Errorf("groups %+v, %v", groups, err)
	}
}

func TestConfig_FormIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	upper := shouting{envelope.JSON}
	for name, tc := range map[string]struct {
		opts []messaging.Option
		want string
	}{
		"default": {nil, `{"n":1}`},
		"binary":  {[]messaging.Option{messaging.WithConfig(messaging.Config{Form: "binary"})}, `{"n":1}`},
		"json":    {[]messaging.Option{messaging.WithConfig(messaging.Config{Form: "json"})}, `"data":{"n":1}`},
		"codec":   {[]messaging.Option{messaging.WithCodec(upper), messaging.WithConfig(messaging.Config{Form: "binary"})}, `"DATA":{"N":1}`},
	} {
		l := &line{answer: stored}
		if err := l.broker(t, tc.opts...).Publish(t.Context(), "orders", envelope.New("a", []byte(`{"n":1}`), envelope.ID("1"))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		body := string(l.sent()[0].Body)
		if !strings.Contains(body, tc.want) || (tc.want == `{"n":1}` && body != tc.want) {
			t.Errorf("%s: wrote %s, want %s", name, body, tc.want)
		}
	}
}

// shouting is a codec of its own.
type shouting struct{ envelope.Codec }

func (c shouting) Encode(r *envelope.Record, e *envelope.Event) error {
	err := c.Codec.Encode(r, e)
	r.Body = []byte(strings.ToUpper(string(r.Body)))
	return err
}

// connect returns a driver of a memory server of its own.
func connect(t testing.TB, cfg memory.Config) driver.Driver {
	t.Helper()
	srv, err := memory.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return srv.Connect()
}
