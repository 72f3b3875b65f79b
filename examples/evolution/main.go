package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/jsonschema"
)

//go:embed schemas proposed
var files embed.FS

func main() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run plays the whole story. Its error says what was lost, or that the gate was open.
func run(ctx context.Context, out io.Writer) error {
	published, err := folder("schemas")
	if err != nil {
		return err
	}
	checker, err := schema.NewChecker(schema.CheckerConfig{Registry: published, Compilers: []schema.Compiler{jsonschema.Compiler{}}})
	if err != nil {
		return err
	}
	s := &story{out: out, billing: newBook(), ledger: newBook(), dead: &deadLetters{}}
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		return err
	}
	s.connect = func(ctx context.Context) (*messaging.Broker, error) {
		return memory.OpenServer(ctx, server, messaging.WithChecker(checker), messaging.WithHooks(s.dead.hooks()))
	}
	for _, act := range []func(context.Context) error{s.first, s.compatible, s.upcast, s.breaking, s.settle} {
		if err := act(ctx); err != nil {
			return errors.Join(err, s.close(ctx))
		}
	}
	return nil
}

// folder reads one of the embedded folders.
func folder(name string) (*schema.Memory, error) {
	sub, err := fs.Sub(files, name)
	if err != nil {
		return nil, err
	}
	return schema.Folder(sub)
}
