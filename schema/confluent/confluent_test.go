package confluent_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/confluent"
	"github.com/herald-go/herald/schema/protobuf"
)

// exchange is one request and its answer, as the registry's API reference has them.
type exchange struct {
	Request string
	Body    json.RawMessage
	Status  int
	Answer  json.RawMessage
}

// fake is a registry that knows the exchanges of the golden file and nothing else.
type fake struct {
	*httptest.Server
	asked     atomic.Int32
	mu        sync.Mutex
	headers   http.Header                                   // of the last request
	intercept func(http.ResponseWriter, *http.Request) bool // answers instead, if it returns true
}

func serve(t *testing.T, intercept func(http.ResponseWriter, *http.Request) bool) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []exchange
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	known := make(map[string]exchange)
	for _, e := range list {
		known[e.Request] = e
	}
	f := &fake{intercept: intercept}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		f.mu.Lock()
		f.headers = r.Header.Clone()
		f.mu.Unlock()
		if f.intercept != nil && f.intercept(w, r) {
			return
		}
		f.answer(t, w, r, known)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) answer(t *testing.T, w http.ResponseWriter, r *http.Request, known map[string]exchange) {
	e, ok := known[r.Method+" "+r.URL.EscapedPath()]
	body, err := io.ReadAll(r.Body)
	if err != nil || !ok {
		t.Errorf("%s %s is not in the golden file (%v)", r.Method, r.URL.EscapedPath(), err)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if e.Body != nil {
		var got, want any
		if json.Unmarshal(body, &got) != nil || json.Unmarshal(e.Body, &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: body %s, want %s", e.Request, body, e.Body)
		}
		if r.Header.Get("Content-Type") != "application/vnd.schemaregistry.v1+json" {
			t.Errorf("%s: content type %q", e.Request, r.Header.Get("Content-Type"))
		}
	} else if len(body) > 0 {
		t.Errorf("%s: body %s", e.Request, body)
	}
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(e.Answer)
}

func client(t *testing.T, c confluent.Config) *confluent.Client {
	t.Helper()
	if c.Indexes == nil {
		c.Indexes = protobuf.Indexes
	}
	k, err := confluent.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ref(typ, version string) schema.Ref { return schema.Ref{Type: typ, Version: version} }

func TestSchemasComeWithTheirReferences(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	k := client(t, confluent.Config{URL: f.URL})
	want := schema.Schema{
		Format: schema.JSONSchema, Text: []byte(`{"type":"object","properties":{"total":{"$ref":"money.json"}}}`), Source: "order.placed version 1",
		References: []schema.Reference{{Name: "money.json", Schema: schema.Schema{
			Format: schema.JSONSchema, Text: []byte(`{"type":"object","required":["amount"]}`), Source: "money version 2",
		}}},
	}
	for _, spelling := range []string{"1", "1.0", ""} {
		if got, err := k.Schema(t.Context(), ref("order.placed", spelling)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", spelling, got, err)
		}
	}
	if n := f.asked.Load(); n != 2 {
		t.Errorf("%d requests, want 2: what was answered is kept", n)
	}
	if id, err := k.ID(t.Context(), ref("order.placed", "1")); id != 100001 || err != nil {
		t.Error(id, err)
	}
	for r, format := range map[schema.Ref]schema.Format{ref("payment.taken", "1"): schema.Avro, ref("parcel.sent", "3"): schema.Protobuf, ref("a/b c", "1"): schema.Avro} {
		if got, err := k.Schema(t.Context(), r); err != nil || got.Format != format {
			t.Errorf("%v: %+v, %v", r, got, err)
		}
	}
	byID, err := k.ByID(t.Context(), 7)
	if err != nil || string(byID.Text) != string(want.References[0].Text) {
		t.Error(byID, err)
	}
}

func TestWhatTheRegistryDoesNotHaveIsUnknownForAWhile(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	k := client(t, confluent.Config{URL: f.URL, UnknownFor: time.Hour})
	for range 3 {
		for _, r := range []schema.Ref{ref("nobody", "1"), ref("order.placed", "3")} {
			if _, err := k.Schema(t.Context(), r); !errors.Is(err, schema.ErrUnknown) {
				t.Errorf("%v: %v", r, err)
			}
		}
	}
	if n := f.asked.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	if _, err := k.ByID(t.Context(), 404); !errors.Is(err, schema.ErrUnknown) {
		t.Error(err)
	}
	for _, v := range []string{"1.1", "0", "-1", "draft", "99999999999999999999"} {
		if _, err := k.Schema(t.Context(), ref("order.placed", v)); !errors.Is(err, schema.ErrUnknown) {
			t.Errorf("%s: %v", v, err)
		}
	}
	forgetful := client(t, confluent.Config{URL: f.URL, UnknownFor: -1})
	before := f.asked.Load()
	for range 2 {
		if _, err := forgetful.Schema(t.Context(), ref("nobody", "1")); !errors.Is(err, schema.ErrUnknown) {
			t.Error(err)
		}
	}
	if n := f.asked.Load() - before; n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestABrokenSchemaOfTheRegistryIsNotAnUnknownOne(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	k := client(t, confluent.Config{URL: f.URL})
	for name, want := range map[string]string{"xml": `"XML"`, "dangling": `"n.Gone"`, "circle": "lead back"} {
		if _, err := k.Schema(t.Context(), ref(name, "1")); !errors.Is(err, schema.ErrInvalidSchema) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListAndRegister(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	k := client(t, confluent.Config{URL: f.URL})
	got, err := k.List(t.Context())
	want := []schema.Ref{ref("order.placed", "1"), ref("order.placed", "2"), ref("order.placed", "10"), ref("payment.taken", "1")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	money, err := k.Schema(t.Context(), ref("money", "2"))
	if err != nil {
		t.Fatal(err)
	}
	s := schema.Schema{Format: schema.JSONSchema, Text: []byte(`{"$ref":"money.json"}`), References: []schema.Reference{{Name: "money.json", Schema: money}}}
	if id, err := k.Register(t.Context(), "order.placed", s); id != 100002 || err != nil {
		t.Error(id, err)
	}
	_, err = k.Register(t.Context(), "payment.taken", schema.Schema{Format: schema.Avro, Text: []byte(`"int"`)})
	if err == nil || !strings.Contains(err.Error(), "status 409") || !strings.Contains(err.Error(), "incompatible with an earlier schema") {
		t.Error(err)
	}
	s.References[0].Source = "a file"
	if _, err := k.Register(t.Context(), "order.placed", s); err == nil {
		t.Error("a reference that the registry does not know was taken")
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	withUser := strings.Replace(f.URL, "http://", "http://ada:s%65cret@", 1)
	for name, tc := range map[string]struct {
		config confluent.Config
		want   string
	}{
		"none":           {confluent.Config{URL: f.URL}, ""},
		"basic":          {confluent.Config{URL: f.URL, Username: "ada", Password: "secret"}, "Basic YWRhOnNlY3JldA=="},
		"basic, the URL": {confluent.Config{URL: withUser}, "Basic YWRhOnNlY3JldA=="},
		"bearer":         {confluent.Config{URL: f.URL, Token: "secret"}, "Bearer secret"},
	} {
		if _, err := client(t, tc.config).Schema(t.Context(), ref("payment.taken", "1")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f.mu.Lock()
		got := f.headers.Get("Authorization")
		f.mu.Unlock()
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestNoErrorHoldsASecret(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	user := confluent.Config{Username: "ada", Password: "secret", Retries: -1}
	at := func(url string) confluent.Config { c := user; c.URL = url; return c }
	for _, c := range []confluent.Config{
		at(f.URL), at(closed.URL), {URL: strings.Replace(closed.URL, "http://", "http://ada:secret@", 1), Retries: -1}, {URL: closed.URL, Token: "secret", Retries: -1},
	} {
		_, err := client(t, c).Schema(t.Context(), ref("secret", "1"))
		if err == nil || strings.Contains(strings.ReplaceAll(err.Error(), "/subjects/secret/", ""), "secret") || strings.Contains(err.Error(), "ada") {
			t.Error(err)
		}
	}
	for _, c := range []confluent.Config{
		{},
		{URL: "ftp://ada:secret@host"},
		{URL: "http://ada:secret@host:port"},
		{URL: "ada:secret@host"},
		{URL: "http://host?password=secret"},
		{URL: "http://ada:secret@host", Password: "secret"},
		{URL: "http://host", Password: "secret", Token: "secret"},
		{URL: "http://host", Timeout: -1},
	} {
		if _, err := confluent.New(c); err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ada") {
			t.Errorf("%q: %v", c.URL, err)
		}
	}
}

func TestARegistryThatDoesNotAnswerIsAskedAgainAFewTimes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  int
		fails   int32
		retries int
		want    int32
		isOK    bool
	}{
		"503 twice":         {503, 2, 3, 3, true},
		"429 once":          {429, 1, 3, 2, true},
		"500 for ever":      {500, 1000, 2, 3, false},
		"500, no retries":   {500, 1000, -1, 1, false},
		"400 is no failure": {400, 1000, 3, 1, false},
	} {
		var left atomic.Int32
		left.Store(tc.fails)
		f := serve(t, func(w http.ResponseWriter, _ *http.Request) bool {
			if left.Add(-1) < 0 {
				return false
			}
			w.WriteHeader(tc.status)
			return true
		})
		_, err := client(t, confluent.Config{URL: f.URL, Retries: tc.retries}).Schema(t.Context(), ref("payment.taken", "1"))
		if n := f.asked.Load(); n != tc.want || (err == nil) != tc.isOK || errors.Is(err, schema.ErrUnknown) {
			t.Errorf("%s: %d requests, %v", name, n, err)
		}
	}
}

func TestAQuestionEndsWithItsTimeoutAndWithItsContext(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	f := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		return true
	})
	t.Cleanup(func() { close(hold) })
	_, err := client(t, confluent.Config{URL: f.URL, Timeout: 50 * time.Millisecond}).Schema(t.Context(), ref("payment.taken", "1"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(t, confluent.Config{URL: f.URL}).Schema(ctx, ref("payment.taken", "1")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestConcurrentQuestionsAreAskedOnce(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	k := client(t, confluent.Config{URL: f.URL})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := k.Schema(t.Context(), ref("payment.taken", "1")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := f.asked.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestAnswersThatAreTooLargeOrNoJSONOrLeadElsewhereAreErrors(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, nil)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"schema":"`+strings.Repeat("x", 5<<20)+`"}`)
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
		},
	} {
		f := serve(t, func(w http.ResponseWriter, r *http.Request) bool { answer(w, r); return true })
		if _, err := client(t, confluent.Config{URL: f.URL, Retries: -1}).Schema(t.Context(), ref("payment.taken", "1")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n := elsewhere.asked.Load(); n != 0 {
		t.Error("the redirect was followed")
	}
}
