package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/schema/gate"
)

// lockFlags are the flags of `herald schema lock`.
type lockFlags struct {
	file         string
	check, force bool
}

func newSchemaLock() *cobra.Command {
	var f lockFlags
	cmd := &cobra.Command{
		Use:   "lock [DIR]",
		Short: "Note the schemas of a folder as published",
		Long: `lock adds the schemas of a folder to its schemas.lock, one line a version with a fingerprint of what it means.
From then on check refuses to change or remove them. Documentation and layout may change. Commit the file.

A version that was locked and has another schema now, or is gone, is not written over unless --force says so.

Exit codes: 0 done (with --check: up to date), 1 refused (with --check: not up to date), 2 wrong usage or trouble.`,
		Example: `  herald schema lock
  herald schema lock ./events --check`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, dirOf(args)) },
	}
	cmd.Flags().StringVar(&f.file, "lock", "", "the lock file (default DIR/"+gate.LockFile+")")
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing, say whether the file is up to date")
	cmd.Flags().BoolVar(&f.force, "force", false, "write over what was locked")
	return cmd
}

func (f *lockFlags) run(cmd *cobra.Command, dir string) error {
	if f.check && f.force {
		return errors.New("expected one of --check and --force")
	}
	set, err := loadDir(cmd, dir)
	if err != nil {
		return err
	}
	file := f.file
	if file == "" {
		file = filepath.Join(dir, gate.LockFile)
	}
	old, err := readLock(file, false)
	if err != nil {
		return err
	}
	lock, err := gate.NewLock(cmd.Context(), set)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	added, broken := printLockChanges(w, old, lock)
	switch {
	case f.check && added+broken > 0:
		fmt.Fprintf(w, "%s is not up to date\n", filepath.ToSlash(file))
		return errFindings
	case broken > 0 && !f.force && !f.check:
		fmt.Fprintf(w, "%s is left as it was: what was published must not change\n", filepath.ToSlash(file))
		return errFindings
	case f.check, added+broken == 0 && old != nil:
		return nil
	}
	return writeFile(file, lock.Bytes())
}

// printLockChanges lists what a new lock adds, and what it breaks of the old.
func printLockChanges(w io.Writer, old, lock gate.Lock) (added, broken int) {
	for _, ref := range lock.Refs() {
		was, known := old[ref]
		switch {
		case !known:
			added++
			fmt.Fprintf(w, "new      %s\n", ref)
		case was != lock[ref]:
			broken++
			fmt.Fprintf(w, "changed  %s\n", ref)
		}
	}
	for _, ref := range old.Refs() {
		if _, ok := lock[ref]; !ok {
			broken++
			fmt.Fprintf(w, "removed  %s\n", ref)
		}
	}
	return added, broken
}

// writeFile replaces a file at once, so that a reader never sees half of it.
func writeFile(name string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".herald-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
