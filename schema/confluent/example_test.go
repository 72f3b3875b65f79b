package confluent_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/confluent"
)

func ExampleNew() {
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"subject": "order.placed", "id": 42, "version": 2, "schemaType": "JSON", "schema": "{\"type\": \"object\"}"}`)
	}))
	defer registry.Close()
	client, err := confluent.New(confluent.Config{URL: registry.URL, Username: "billing", Password: "from a file"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	ref := schema.Ref{Type: "order.placed", Version: "2"}
	s, err := client.Schema(ctx, ref)
	fmt.Println(s.Format, string(s.Text), err)
	framed, err := client.Frame(ctx, ref, s, []byte(`{}`))
	fmt.Printf("%q %v\n", framed, err)
	// Output:
	// json-schema {"type": "object"} <nil>
	// "\x00\x00\x00\x00*{}" <nil>
}
