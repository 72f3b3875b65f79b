package catalog_test

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/catalog"
)

func ExampleBuild() {
	cfg, err := config.Loader{Environ: []string{}}.Parse("herald.yaml", []byte("broker: memory://\ntopics: {orders: {groups: [billing]}}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	registry, err := schema.Folder(os.DirFS("testdata/shop/schemas"))
	if err != nil {
		fmt.Println(err)
		return
	}
	usage, err := catalog.ParseUsage([]byte("services: {checkout: {publishes: {orders: [order.placed]}}}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := catalog.Build(context.Background(), catalog.Config{Registry: registry, Configs: []*config.Config{cfg}, Usage: usage})
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, err := c.AsyncAPIYAML()
	for line := range bytes.Lines(doc[:400]) {
		if bytes.HasPrefix(line, []byte("channels")) {
			break
		}
		fmt.Printf("%s", line)
	}
	fmt.Println(err)
	// Output:
	// asyncapi: 3.0.0
	// info:
	//   title: Events
	//   version: "1"
	// defaultContentType: application/json
	// servers:
	//   memory:
	//     host: memory
	//     protocol: memory
	// <nil>
}
