package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
	"github.com/herald-go/herald/schema/gate"
)

// checkFlags are the flags of `herald schema check`.
type checkFlags struct {
	against, mode, format, lock  string
	allow                        []string
	declaredOnly, jsonNames, all bool
}

func newSchemaCheck() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Decide whether the schemas of a folder may be published",
		Long: `check holds the new versions of each type to the versions before them, and sees to it that what was published
neither changes nor goes away. What was published is what schemas.lock lists, and what --against has. With neither,
every version is held to those before it.

A registry's user and password, or its token, are read from HERALD_REGISTRY_USERNAME and HERALD_REGISTRY_PASSWORD, or
HERALD_REGISTRY_TOKEN. Of a registry only the types that DIR holds are looked at.

The rules that --allow knows:

  ` + ruleColumns(append(gate.Rules(), compat.Rules()...)) + `

Exit codes: 0 the schemas may be published, 1 they may not, 2 wrong usage or trouble on the way.`,
		Example: `  herald schema check
  herald schema check --against git:origin/main --mode full
  herald schema check ./events --against https://registry.example.com --format json
  herald schema check --mode backward-transitive --allow json-format-narrowed`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, dirOf(args)) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.against, "against", "", againstUsage)
	flags.StringVar(&f.mode, "mode", "backward", "whose events must be read: "+strings.Join(compat.Modes(), ", "))
	flags.StringVar(&f.format, "format", "text", "how to print: text, json, or github for annotations")
	flags.StringVar(&f.lock, "lock", "", "the lock file (default DIR/"+gate.LockFile+", where there is one)")
	flags.StringArrayVar(&f.allow, "allow", nil, "let the problems of this rule pass; can be repeated")
	flags.BoolVar(&f.declaredOnly, "declared-only", false, "JSON Schema: publishers send declared properties only, even in open objects")
	flags.BoolVar(&f.jsonNames, "json-names", false, "Protobuf: compare the names in JSON too")
	flags.BoolVar(&f.all, "all", false, "compare every version with those before it, not only new ones")
	return cmd
}

func (f *checkFlags) run(cmd *cobra.Command, dir string) error {
	mode, err := compat.ParseMode(f.mode)
	if err != nil {
		return err
	}
	if err := knownFormat(f.format, "text", "json", "github"); err != nil {
		return err
	}
	f.mode = mode.String()
	conf := gate.Config{All: f.all, Compat: compat.Config{Mode: mode, DeclaredOnly: f.declaredOnly, JSONNames: f.jsonNames}}
	if conf.Compat.Allow, err = knownRules(f.allow, append(gate.Rules(), compat.Rules()...)); err != nil {
		return err
	}
	set, err := loadDir(cmd, dir)
	if err != nil {
		return err
	}
	base, err := loadAgainst(cmd, f.against, dir, set)
	if err != nil {
		return err
	}
	lockFile := f.lock
	if lockFile == "" {
		lockFile = filepath.Join(dir, gate.LockFile)
	}
	lock, err := readLock(lockFile, f.lock != "")
	if err != nil {
		return err
	}
	report, err := gate.Check(cmd.Context(), set, base, lock, conf)
	if err != nil {
		return err
	}
	if err := f.print(cmd.OutOrStdout(), dir, len(set), report); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return errFindings
	}
	return nil
}

func knownFormat(format string, known ...string) error {
	if !slices.Contains(known, format) {
		return fmt.Errorf("unknown format %q: expected one of %s", format, strings.Join(known, ", "))
	}
	return nil
}

// knownRules reads the names of rules.
func knownRules(names []string, known []gate.Rule) ([]gate.Rule, error) {
	rules := make([]gate.Rule, 0, len(names))
	for _, name := range names {
		if !slices.Contains(known, gate.Rule(name)) {
			return nil, fmt.Errorf("unknown rule %q: see herald schema check --help and herald schema lint --help", name)
		}
		rules = append(rules, gate.Rule(name))
	}
	return rules, nil
}

// readLock reads a lock file, which need not be there unless it must.
func readLock(file string, must bool) (gate.Lock, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lock, err := gate.ParseLock(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return lock, nil
}

// checkReport is the machine-readable form. It has every member always.
type checkReport struct {
	Mode     string         `json:"mode"`
	Schemas  int            `json:"schemas"`
	Compared int            `json:"compared"`
	New      []refReport    `json:"new"`
	Changed  []refReport    `json:"changed"`
	Removed  []refReport    `json:"removed"`
	Problems []gate.Problem `json:"problems"`
}

type refReport struct {
	Type    string `json:"type"`
	Version string `json:"version"`
}

func refReports(refs []schema.Ref) []refReport {
	out := make([]refReport, 0, len(refs))
	for _, r := range refs {
		out = append(out, refReport(r))
	}
	return out
}

func (f *checkFlags) print(w io.Writer, dir string, schemas int, r *gate.Report) error {
	switch f.format {
	case "json":
		return printJSON(w, checkReport{
			Mode: f.mode, Schemas: schemas, Compared: r.Compared, New: refReports(r.New), Changed: refReports(r.Changed),
			Removed: refReports(r.Removed), Problems: append([]gate.Problem{}, r.Problems...),
		})
	case "github":
		printAnnotations(w, dir, "error", r.Problems)
		return nil
	}
	for _, list := range []struct {
		name string
		refs []schema.Ref
	}{{"new", r.New}, {"changed", r.Changed}, {"removed", r.Removed}} {
		for _, ref := range list.refs {
			fmt.Fprintf(w, "%-8s %s\n", list.name, ref)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w, p)
	}
	fmt.Fprintf(w, "%s: %s in %s, %d new, %d compared (%s)\n", countOf(len(r.Problems), "problem"), countOf(schemas, "schema"), filepath.ToSlash(dir), len(r.New), r.Compared, f.mode)
	return nil
}
