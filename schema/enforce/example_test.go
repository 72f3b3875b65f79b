package enforce_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/schema/enforce"
)

func ExampleOption() {
	dir, err := os.MkdirTemp("", "schemas")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of the example's own
	at := filepath.Join(dir, "order.placed")
	if err := os.MkdirAll(at, 0o700); err != nil {
		fmt.Println(err)
	}
	if err := os.WriteFile(filepath.Join(at, "1.json"), []byte(`{"type": "object", "required": ["id"]}`), 0o600); err != nil {
		fmt.Println(err)
	}

	ctx := context.Background()
	cfg, err := config.Parse("herald.yaml", []byte("broker: memory://\nschemas: {folder: "+dir+"}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	checked, err := enforce.Option(cfg, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	broker, err := adapters.Open(ctx, cfg.URL(), append(cfg.Options(), checked)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close(ctx)
	fmt.Println(broker.Publish(ctx, "orders", envelope.New("order.placed", []byte(`{"total": 12.5}`))))
	// Output:
	// publish orders: invalid event: data does not fit its schema order.placed version 1: /: expected the member "id"
}
