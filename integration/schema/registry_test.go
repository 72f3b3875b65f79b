package schema_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/confluent"
	"github.com/herald-go/herald/schema/formats"
	"github.com/herald-go/herald/schema/protobuf"
	"github.com/twmb/franz-go/pkg/sr"
)

// program is the registry's binary, built once.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "registry")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "registry")
	if out, err := exec.Command("go", "build", "-o", program, "./registry").CombinedOutput(); err != nil { //nolint:noctx // the tests' own
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// start runs a registry as a process of its own and returns its URL.
func start(t *testing.T, authorization string) string {
	t.Helper()
	if url := os.Getenv("HERALD_TEST_REGISTRY"); url != "" && authorization == "" {
		return url
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "REGISTRY_AUTHORIZATION="+authorization)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // its context may have ended it first
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// subject is a name of the test's own, so that a real registry can be used twice.
func subject(t *testing.T, name string) string {
	t.Helper()
	return "herald-test." + name + "." + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// patience bounds an answer of a registry, which shares the machine with other packages' brokers.
const patience = time.Minute

func clients(t *testing.T, url string) (*confluent.Client, *sr.Client) {
	t.Helper()
	ours, err := confluent.New(confluent.Config{URL: url, Indexes: protobuf.Indexes, UnknownFor: -1, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := sr.NewClient(sr.URLs(url), sr.HTTPClient(&http.Client{Timeout: patience}))
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

const (
	jsonText  = `{"type":"object","required":["id"]}`
	avroText  = `{"type":"record","name":"PaymentTaken","fields":[{"name":"order","type":"string"}]}`
	protoText = "syntax = \"proto3\";\n\nmessage ParcelSent {\n  string id = 1;\n}\n"
)

func TestWhatOneClientRegistersTheOtherReads(t *testing.T) {
	t.Parallel()
	ours, theirs := clients(t, start(t, ""))
	for format, text := range map[schema.Format]string{schema.JSONSchema: jsonText, schema.Avro: avroText, schema.Protobuf: protoText} {
		name := subject(t, string(format))
		if _, err := ours.Schema(t.Context(), schema.Ref{Type: name, Version: "1"}); !errors.Is(err, schema.ErrUnknown) {
			t.Errorf("%s: %v", format, err)
		}
		id, err := ours.Register(t.Context(), name, schema.Schema{Format: format, Text: []byte(text)})
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		read, err := theirs.SchemaByVersion(t.Context(), name, 1)
		if err != nil || read.ID != id || read.Schema.Schema != text {
			t.Errorf("%s: %+v, %v", format, read, err)
		}
		got, err := ours.Schema(t.Context(), schema.Ref{Type: name, Version: "1.0"})
		if err != nil || got.Format != format || string(got.Text) != text {
			t.Errorf("%s: %+v, %v", format, got, err)
		}
		byID, err := ours.ByID(t.Context(), id)
		if err != nil || byID.Format != format || string(byID.Text) != text {
			t.Errorf("%s: %+v, %v", format, byID, err)
		}
	}
}

func TestReferencesAreThoseThatTheOtherClientRegistered(t *testing.T) {
	t.Parallel()
	ours, theirs := clients(t, start(t, ""))
	money, order := subject(t, "money"), subject(t, "order")
	if _, err := theirs.CreateSchema(t.Context(), money, sr.Schema{Type: sr.TypeJSON, Schema: `{"required":["amount"]}`}); err != nil {
		t.Fatal(err)
	}
	_, err := theirs.CreateSchema(t.Context(), order, sr.Schema{
		Type: sr.TypeJSON, Schema: `{"properties":{"total":{"$ref":"money.json"}}}`, References: []sr.SchemaReference{{Name: "money.json", Subject: money, Version: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	k, err := schema.NewChecker(schema.CheckerConfig{Registry: ours, Compilers: formats.Bare(), Framing: ours})
	if err != nil {
		t.Fatal(err)
	}
	for data, isOK := range map[string]bool{`{"total":{"amount":1}}`: true, `{"total":{}}`: false} {
		e := envelope.New(order, []byte(data))
		if err := k.CheckPublish(t.Context(), "orders", &e); (err == nil) != isOK || err != nil && !strings.Contains(err.Error(), "/total") {
			t.Errorf("%s: %v", data, err)
		}
	}
	refs, err := ours.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, r := range refs {
		if r.Type == money || r.Type == order {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%v", refs)
	}
	s, err := ours.Schema(t.Context(), schema.Ref{Type: order, Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Register(t.Context(), subject(t, "copy"), s); err != nil {
		t.Error(err)
	}
}

// The frames of franz-go's serializer and ours are the same bytes.
func TestFramesAreThoseOfTheOtherClient(t *testing.T) {
	t.Parallel()
	ours, theirs := clients(t, start(t, ""))
	two := protoText + "message Outer {\n  message Inner {\n    string id = 1;\n  }\n}\n"
	for name, tc := range map[string]struct {
		schema  sr.Schema
		message string
		index   []int
	}{
		"avro":                {sr.Schema{Type: sr.TypeAvro, Schema: avroText}, "", nil},
		"protobuf, the first": {sr.Schema{Type: sr.TypeProtobuf, Schema: two}, "", []int{0}},
	} {
		typ := subject(t, "frame")
		created, err := theirs.CreateSchema(t.Context(), typ, tc.schema)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var serde sr.Serde
		opts := []sr.EncodingOpt{sr.EncodeFn(func(v any) ([]byte, error) { return []byte(v.(string)), nil })} //nolint:forcetypeassert // the test's own
		if tc.index != nil {
			opts = append(opts, sr.Index(tc.index...))
		}
		serde.Register(created.ID, "", opts...)
		want, err := serde.Encode("data")
		if err != nil {
			t.Fatal(err)
		}
		ref := schema.Ref{Type: typ, Version: "1"}
		s, err := ours.Schema(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ours.Frame(t.Context(), ref, s, []byte("data"))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %x, %v, want %x", name, got, err, want)
		}
		if data, err := ours.Unframe(t.Context(), ref, s, want); err != nil || string(data) != "data" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for _, index := range [][]int{{0}, {1}, {1, 0}, {300, 2}} {
		want, err := new(sr.ConfluentHeader).AppendEncode(nil, 77, index)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := confluent.AppendFrame(nil, 77, index); err != nil || string(got) != string(want) {
			t.Errorf("%v: %x, %v, want %x", index, got, err, want)
		}
	}
}

func TestAuthenticationOfAProcess(t *testing.T) {
	t.Parallel()
	url := start(t, "Bearer hunter2")
	for token, isOK := range map[string]bool{"hunter2": true, "wrong": false, "": false} {
		k, err := confluent.New(confluent.Config{URL: url, Token: token, Retries: -1, Timeout: patience})
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.List(t.Context())
		if (err == nil) != isOK || err != nil && (strings.Contains(err.Error(), "wrong") || errors.Is(err, schema.ErrUnknown)) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestARegistryThatIsGoneIsAnErrorAndNotUnknown(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	ours, err := confluent.New(confluent.Config{URL: strings.TrimSpace(url), Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	id, err := ours.Register(t.Context(), "kept", schema.Schema{Format: schema.Avro, Text: []byte(avroText)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ours.ByID(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	stop()
	_ = cmd.Wait() // it was killed
	if _, err := ours.ByID(t.Context(), id); err != nil {
		t.Errorf("what was answered is not kept: %v", err)
	}
	if _, err := ours.Schema(t.Context(), schema.Ref{Type: "kept", Version: "1"}); err == nil || errors.Is(err, schema.ErrUnknown) {
		t.Error(err)
	}
}
