// Command outside builds Herald the way a user does, from a module of their own, and refuses what must not reach them.
//
// The first program of README.md must build there. Neither it nor a program on the memory adapter may compile in
// testcontainers, or have it in go.sum, and a program that imports no adapter but memory may not compile in a
// broker's client.
//
//	go run ./cmd/internal/outside [tree]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/herald-go/herald/cmd/internal/markdown"
	"github.com/herald-go/herald/cmd/internal/scratch"
)

// memoryOnly is the smallest program that publishes and handles without a broker.
const memoryOnly = `package main

import (
	_ "github.com/herald-go/herald/adapters/memory"
	_ "github.com/herald-go/herald/pkg/messaging"
)

func main() {}
`

var (
	testOnly = []string{"github.com/testcontainers/", "github.com/docker/", "github.com/moby/"}
	clients  = []string{"github.com/rabbitmq/amqp091-go", "github.com/segmentio/kafka-go", "github.com/redis/go-redis/"}
)

func main() {
	tree := "."
	if len(os.Args) > 1 {
		tree = os.Args[1]
	}
	if err := run(context.Background(), tree); err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, tree string) (err error) {
	page, err := os.ReadFile(filepath.Join(tree, "README.md"))
	if err != nil {
		return err
	}
	program, err := firstProgram(string(page))
	if err != nil {
		return err
	}
	module, err := scratch.New(tree)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, module.Remove()) }()
	if err := build(ctx, module, program); err != nil {
		return err
	}
	if err := inspect(ctx, module, "./memory", append(clients, testOnly...)); err != nil {
		return err
	}
	return inspect(ctx, module, "./readme", testOnly)
}

// firstProgram returns the first main package among a page's Go blocks.
func firstProgram(page string) (string, error) {
	for _, block := range markdown.Blocks("README.md", page) {
		if block.Language == "go" && strings.HasPrefix(block.Text, "package main\n") {
			return block.Text, nil
		}
	}
	return "", errors.New("README.md has no Go block that begins with \"package main\"")
}

func build(ctx context.Context, module *scratch.Module, program string) error {
	if err := errors.Join(module.Write("readme/main.go", program), module.Write("memory/main.go", memoryOnly)); err != nil {
		return err
	}
	if _, err := module.Go(ctx, "mod", "tidy"); err != nil {
		return err
	}
	if _, err := module.Go(ctx, "build", "-o", os.DevNull, "./readme"); err != nil {
		return fmt.Errorf("README.md's program: %w", err)
	}
	if _, err := module.Go(ctx, "build", "-o", os.DevNull, "./memory"); err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(module.Dir, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return refuse("go.sum", strings.Split(string(sums), "\n"), testOnly)
}

// inspect lists what a program compiles in and refuses the packages under the forbidden paths.
func inspect(ctx context.Context, module *scratch.Module, program string, forbidden []string) error {
	out, err := module.Go(ctx, "list", "-deps", program)
	if err != nil {
		return err
	}
	packages := strings.Fields(out)
	if err := refuse(program, packages, forbidden); err != nil {
		return err
	}
	fmt.Printf("outside: %s builds from %d packages, none under %s\n", program, len(packages), strings.Join(forbidden, ", "))
	return nil
}

// refuse returns an error that names the first entry under a forbidden path.
func refuse(where string, entries, forbidden []string) error {
	for _, entry := range entries {
		for _, path := range forbidden {
			if strings.HasPrefix(entry, path) {
				return fmt.Errorf("%s has %s", where, entry)
			}
		}
	}
	return nil
}
