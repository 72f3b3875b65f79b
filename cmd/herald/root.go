package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitFine     = 0
	exitFindings = 1
	exitTrouble  = 2
)

// errFindings says that a command did its work and found something; what it found has been printed.
var errFindings = errors.New("findings")

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errFindings):
		return exitFindings
	}
	fmt.Fprintln(stderr, "herald:", err)
	return exitTrouble
}

// newRoot returns the command with all below it. A further subject is one more AddCommand.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "herald",
		Short: "Work on what services publish",
		Long: `herald works on what services publish.

Exit codes: 0 is fine, 1 means that something was found, 2 is wrong usage or trouble on the way.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newSchema(), newCatalog())
	return root
}
