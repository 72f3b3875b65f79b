package main

import (
	"context"
	"errors"
	"fmt"
	"go/format"
	"os"
	"strings"

	"github.com/herald-go/herald/cmd/internal/markdown"
	"github.com/herald-go/herald/cmd/internal/scratch"
)

// compile builds each block as a package of its own in one module outside the tree. A compiler's message names the
// page and the line there.
func compile(ctx context.Context, tree string, blocks []markdown.Block) (err error) {
	if len(blocks) == 0 {
		return nil
	}
	module, err := scratch.New(tree)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, module.Remove()) }()
	known, err := knownPackages(ctx, tree)
	if err != nil {
		return err
	}
	var errs []error
	for i, block := range blocks {
		text, err := source(block, known)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", place(block), err))
			continue
		}
		errs = append(errs, module.Write(fmt.Sprintf("block%d/block.go", i), text))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if _, err := module.Go(ctx, "mod", "tidy"); err != nil {
		return err
	}
	for i := range blocks {
		_, err := module.Go(ctx, "build", "-o", os.DevNull, fmt.Sprintf("./block%d", i))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// source returns the Go file that a block stands for. A //line directive keeps the page's positions.
func source(block markdown.Block, known map[string]string) (string, error) {
	if isFile(block) {
		return fmt.Sprintf("//line %s:%d\n%s", block.File, block.Line+1, block.Text), nil
	}
	return wrap(block, known)
}

// wrap makes a fragment a file: declarations stand as they are, anything else becomes a function's body.
func wrap(block markdown.Block, known map[string]string) (string, error) {
	text := fmt.Sprintf("//line %s:%d\n%s", block.File, block.Line+1, block.Text)
	if !declares(block.Text) {
		text = "func _(ctx context.Context, broker *messaging.Broker) error {\n" + text + "\nreturn nil\n}\n"
	}
	imports, err := importsOf("package fragment\n"+text, known)
	if err != nil {
		return "", err
	}
	return "package fragment\n\n" + imports + "\n" + text, nil
}

// declares reports whether the text is a run of declarations.
func declares(text string) bool {
	_, err := format.Source([]byte("package fragment\n" + text))
	return err == nil
}

// importBlock writes the import lines of some paths.
func importBlock(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	return "import (\n\t\"" + strings.Join(paths, "\"\n\t\"") + "\"\n)\n"
}
