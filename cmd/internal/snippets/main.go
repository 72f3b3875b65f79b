// Command snippets keeps the Go code of README.md and docs/*.md true. Every block that opens with ```go is one of:
//
//   - A file: it begins with "package ". It must compile against this tree, from a module outside it.
//   - A fragment: the HTML comment <!-- snippet: wrap --> stands before it. It must compile with this tree's packages
//     and the standard library's imported by name: as declarations if it parses as such, else as the body of a
//     function that returns an error and has ctx (a context.Context) and broker (a *messaging.Broker).
//   - A quotation, the rule for all others: it must stand in a Go file of this tree, white space aside. Files under
//     cmd/internal and testdata don't count.
//
// Blocks of other languages are left alone.
//
//	go run ./cmd/internal/snippets [tree]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/herald-go/herald/cmd/internal/markdown"
)

// wrapMark is the comment that makes a block a fragment.
const wrapMark = "snippet: wrap"

func main() {
	tree := "."
	if len(os.Args) > 1 {
		tree = os.Args[1]
	}
	count, err := check(context.Background(), tree)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("snippets:", count)
}

// counts says how many blocks of each kind were found.
type counts struct{ files, fragments, quotations int }

// String reads as a line of the report.
func (c counts) String() string {
	return fmt.Sprintf("%d compiled as files, %d as fragments, %d found in the tree", c.files, c.fragments, c.quotations)
}

// check looks at every Go block of the tree's pages and returns all that is wrong with them, joined.
func check(ctx context.Context, tree string) (counts, error) {
	blocks, err := goBlocks(tree)
	if err != nil {
		return counts{}, err
	}
	var count counts
	var compiled []markdown.Block
	var errs []error
	sources, err := readSources(tree)
	if err != nil {
		return counts{}, err
	}
	for _, block := range blocks {
		switch {
		case isFile(block):
			count.files++
			compiled = append(compiled, block)
		case block.Comment == wrapMark:
			count.fragments++
			compiled = append(compiled, block)
		case !sources.contain(block.Text):
			errs = append(errs, fmt.Errorf("%s: not in any Go file of the tree", place(block)))
		default:
			count.quotations++
		}
	}
	errs = append(errs, compile(ctx, tree, compiled))
	return count, errors.Join(errs...)
}

// goBlocks returns the Go blocks of README.md, which must be there, and of the pages in docs.
func goBlocks(tree string) ([]markdown.Block, error) {
	pages, err := filepath.Glob(filepath.Join(tree, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	pages = append([]string{filepath.Join(tree, "README.md")}, pages...)
	var blocks []markdown.Block
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		for _, block := range markdown.Blocks(page, string(text)) {
			if block.Language == "go" {
				blocks = append(blocks, block)
			}
		}
	}
	return blocks, nil
}

func isFile(block markdown.Block) bool {
	return strings.HasPrefix(block.Text, "package ")
}

func place(block markdown.Block) string {
	return fmt.Sprintf("%s:%d", block.File, block.Line)
}
