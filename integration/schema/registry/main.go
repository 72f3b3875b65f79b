// Registry runs franz-go's fake of a schema registry until its standard input ends, and prints its URL.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func main() {
	var opts []srfake.Option
	if auth := os.Getenv("REGISTRY_AUTHORIZATION"); auth != "" {
		opts = append(opts, srfake.WithAuth(auth))
	}
	r := srfake.New(opts...)
	defer r.Close()
	fmt.Println(r.URL())
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is the parent's
}
