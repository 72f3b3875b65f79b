package confluent_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/confluent"
)

// Thirty schemas, each of which refers to the next one twice, are thirty questions and a tree of a thousand million.
func TestReferencesThatDoubleAreRefused(t *testing.T) {
	t.Parallel()
	f := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		var i int
		if _, err := fmt.Sscanf(r.URL.Path, "/subjects/s%d/versions/1", &i); err != nil {
			return false
		}
		refs := "[]"
		if i < 30 {
			refs = fmt.Sprintf(`[{"name":"a","subject":"s%d","version":1},{"name":"b","subject":"s%[1]d","version":1}]`, i+1)
		}
		_, _ = fmt.Fprintf(w, `{"id":%d,"schemaType":"JSON","schema":"","references":%s}`, i+1, refs)
		return true
	})
	if _, err := client(t, confluent.Config{URL: f.URL}).Schema(t.Context(), ref("s0", "1")); !errors.Is(err, schema.ErrInvalidSchema) {
		t.Error(err)
	}
}

func TestWhatIsRegisteredIsNotUnknownAnyMore(t *testing.T) {
	t.Parallel()
	var isThere atomic.Bool
	f := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodPost:
			isThere.Store(true)
			_, _ = io.WriteString(w, `{"id":5}`)
		case isThere.Load():
			_, _ = io.WriteString(w, `{"id":5,"schema":"\"int\""}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error_code":40401,"message":"Subject 'late' not found."}`)
		}
		return true
	})
	k := client(t, confluent.Config{URL: f.URL, UnknownFor: time.Hour})
	late := schema.Schema{Format: schema.Avro, Text: []byte(`"int"`)}
	questions := map[string]func() error{
		"schema": func() error { _, err := k.Schema(t.Context(), ref("late", "1")); return err },
		"by id":  func() error { _, err := k.ByID(t.Context(), 5); return err },
		"frame":  func() error { _, err := k.Frame(t.Context(), ref("late", "1"), late, nil); return err },
	}
	for name, ask := range questions {
		if err := ask(); !errors.Is(err, schema.ErrUnknown) {
			t.Errorf("%s before: %v", name, err)
		}
	}
	if _, err := k.Register(t.Context(), "late", late); err != nil {
		t.Fatal(err)
	}
	for name, ask := range questions {
		if err := ask(); err != nil {
			t.Errorf("%s after: %v", name, err)
		}
	}
}
