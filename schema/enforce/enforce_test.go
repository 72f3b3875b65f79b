package enforce_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/enforce"
)

// folder writes files into a folder of the test's own.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Loader{Environ: []string{}}.Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, c *config.Config) *messaging.Broker {
	t.Helper()
	option, err := enforce.Option(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	broker, err := memory.Open(t.Context(), c.URL(), append(c.Options(), option)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return broker
}

func TestAFolderOfTheFileIsEnforced(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"order.placed/1.json": `{"type":"object","required":["id"]}`})
	broker := open(t, load(t, "broker: memory://\nunrouted: keep\nschemas: {folder: '"+dir+"'}\ntopics: {free: {schemas: pass}, loose: {schemas: off}}\n"))
	good, bad := envelope.New("order.placed", []byte(`{"id":"o-1"}`)), envelope.New("order.placed", []byte(`{}`))
	other := envelope.New("order.shipped", []byte(`{}`))
	for _, tc := range []struct {
		topic string
		event envelope.Event
		want  error
	}{
		{"orders", good, nil},
		{"orders", bad, schema.ErrMismatch},
		{"orders", other, schema.ErrUnknown},
		{"free", bad, schema.ErrMismatch},
		{"free", other, nil},
		{"loose", bad, nil},
	} {
		err := broker.Publish(t.Context(), tc.topic, tc.event)
		if tc.want == nil && err != nil || tc.want != nil && (!errors.Is(err, tc.want) || !errors.Is(err, messaging.ErrInvalid)) {
			t.Errorf("%s %s: %v, want %v", tc.topic, tc.event.Type, err, tc.want)
		}
	}
}

func TestARegistryOfTheFileIsEnforcedWithItsFrame(t *testing.T) {
	t.Parallel()
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"subject":"order.placed","id":7,"version":1,"schemaType":"JSON","schema":"{\"required\":[\"id\"]}"}`)
	}))
	t.Cleanup(registry.Close)
	k, err := enforce.Checker(load(t, "broker: memory://\nschemas: {registry: '"+registry.URL+"', token: hunter2, framing: confluent}").Schemas(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := envelope.New("order.placed", []byte(`{"id":1}`))
	if err := k.CheckPublish(t.Context(), "orders", &e); err != nil || string(e.Data) != "\x00\x00\x00\x00\x07"+`{"id":1}` {
		t.Fatalf("%q, %v", e.Data, err)
	}
	if err := k.CheckReceive(t.Context(), "orders", &e); err != nil || string(e.Data) != `{"id":1}` {
		t.Errorf("%q, %v", e.Data, err)
	}
	if err := k.CheckReceive(t.Context(), "orders", &e); !errors.Is(err, schema.ErrMismatch) {
		t.Errorf("data without a frame: %v", err)
	}
}

func TestABadFolderSaysEveryBadSchemaAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a/1.json": `{"type":7}`, "b/1.avsc": `"nothing"`, "c/1.proto": `syntax`, "d/1.json": `{}`})
	_, err := enforce.Option(load(t, "broker: memory://\nschemas: {folder: '"+dir+"'}"), nil)
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, name := range []string{"a/1.json", "b/1.avsc", "c/1.proto"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing: %v", name, err)
		}
	}
	if _, err := enforce.Option(load(t, "broker: memory://\nschemas: {folder: '"+filepath.Join(dir, "nowhere")+"'}"), nil); err == nil {
		t.Error("a folder that is not there was taken")
	}
}

func TestWithoutASectionNothingIsChecked(t *testing.T) {
	t.Parallel()
	broker := open(t, load(t, "broker: memory://\nunrouted: keep"))
	if err := broker.Publish(t.Context(), "orders", envelope.New("order.placed", []byte(`?`))); err != nil {
		t.Error(err)
	}
}

func TestWhatArrivesAndDoesNotFitIsADeadLetterWithThePlace(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"order.placed/1.json": `{"properties":{"items":{"items":{"properties":{"count":{"minimum":1}}}}}}`})
	cfg := load(t, "broker: memory://\nschemas: {folder: '"+dir+"'}")
	option, err := enforce.Option(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dead := make(chan *messaging.DeadLetter, 1)
	hooks := messaging.WithHooks(messaging.Hooks{DeadLetter: func(l *messaging.DeadLetter) { dead <- l }})
	checked, err := messaging.New(t.Context(), server.Connect(), option, hooks)
	if err != nil {
		t.Fatal(err)
	}
	defer checked.Close(context.WithoutCancel(t.Context()))
	handler := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		t.Error("the handler saw it")
		return nil
	})
	if _, err := checked.Subscribe(t.Context(), "orders", handler, messaging.Group("billing")); err != nil {
		t.Fatal(err)
	}
	unchecked, err := messaging.New(t.Context(), server.Connect())
	if err != nil {
		t.Fatal(err)
	}
	defer unchecked.Close(context.WithoutCancel(t.Context()))
	if err := unchecked.Publish(t.Context(), "orders", envelope.New("order.placed", []byte(`{"items":[{"count":1},{"count":0}]}`))); err != nil {
		t.Fatal(err)
	}
	l := <-dead
	const want = "data does not fit its schema order.placed version 1: /items/1/count: expected 1 or more"
	if l.Reason != messaging.ReasonSchema || l.Error != want || l.Attempts != 0 {
		t.Errorf("%+v", l)
	}
}
