// Command herald works on what services publish. Its first subject is schemas: `herald schema check` is a gate for continuous integration that
// needs no server.
//
// Exit codes: 0 is fine, 1 means that something was found (a problem, a difference, an advice), 2 is wrong usage or trouble on the way.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
