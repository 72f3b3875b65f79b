package main

import (
	"strings"
	"testing"
)

func TestFirstProgram_TakesTheFirstMainPackageOfThePage(t *testing.T) {
	t.Parallel()
	page := "```go\nx := 1\n```\n```sh\npackage main\n```\n```go\npackage main\n// one\n```\n```go\npackage main\n// two\n```\n"
	got, err := firstProgram(page)
	if want := "package main\n// one\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestFirstProgram_APageWithoutOneIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := firstProgram("# Herald\n"); err == nil {
		t.Error("got no error")
	}
}

func TestRefuse_NamesWhatMustNotBeThere(t *testing.T) {
	t.Parallel()
	entries := []string{"fmt", "github.com/redis/go-redis/v9/internal/pool"}
	if err := refuse("./memory", entries, testOnly); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	err := refuse("./memory", entries, clients)
	if err == nil || !strings.Contains(err.Error(), entries[1]) {
		t.Errorf("got %v, want %s named", err, entries[1])
	}
}
