package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is where the brokers that are processes keep their data, and where it is noted which processes they are.
const folder = ".cache/brokers"

// local is the program that starts processes, and ends exactly those that it has noted.
var local = []string{"go", "run", "-C", "integration", "./cmd/brokers"}

// upLocal starts each broker as a process of this machine.
func upLocal(ctx context.Context, run runner, out io.Writer) error {
	return runLocal(ctx, run, out, "up", folder)
}

// downLocal ends those processes, if there are any.
func downLocal(ctx context.Context, run runner, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return runLocal(ctx, run, io.Discard, "down", dir)
}

func runLocal(ctx context.Context, run runner, out io.Writer, verb, dir string) error {
	path, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	said, err := run(ctx, append(append([]string{}, local...), verb, path)...)
	fmt.Fprint(out, said)
	return err
}
