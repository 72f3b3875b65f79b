package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gate"
)

func newSchemaDiff() *cobra.Command {
	var dir, against, format string
	cmd := &cobra.Command{
		Use:   "diff OLD [NEW]",
		Short: "List what differs between two versions",
		Long: `diff lists what differs between two schemas of a folder, field by field. A schema is named by its type and version,
order.placed/1, or by its file. With --against, OLD is taken from there, and NEW may be left out if it has the same name.

Exit codes: 0 they say the same, 1 they differ, 2 wrong usage or trouble on the way.`,
		Example: `  herald schema diff order.placed/1 order.placed/2
  herald schema diff schemas/order.placed/1.json schemas/order.placed/2.json --format json
  herald schema diff order.placed/2 --against git:HEAD~1`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return diff(cmd, args, dir, against, format) },
	}
	cmd.Flags().StringVar(&dir, "dir", defaultDir, "the folder of schemas")
	cmd.Flags().StringVar(&against, "against", "", "where OLD is: a folder, git:REVISION, or a registry's http(s) URL")
	cmd.Flags().StringVar(&format, "format", "text", "how to print: text or json")
	return cmd
}

func diff(cmd *cobra.Command, args []string, dir, against, format string) error {
	if err := knownFormat(format, "text", "json"); err != nil {
		return err
	}
	if len(args) == 1 && against == "" {
		return errors.New("expected OLD and NEW, or --against")
	}
	set, err := loadDir(cmd, dir)
	if err != nil {
		return err
	}
	from := set
	if against != "" {
		if from, err = loadAgainst(cmd, against, dir, set); err != nil {
			return err
		}
	}
	older, err := find(from, args[0], dir)
	if err != nil {
		return err
	}
	newer, err := find(set, args[len(args)-1], dir)
	if err != nil {
		return err
	}
	ds, err := gate.Diff(older, newer)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if format == "json" {
		if err := printJSON(w, struct {
			Differences []gate.Difference `json:"differences"`
		}{append([]gate.Difference{}, ds...)}); err != nil {
			return err
		}
	}
	for _, d := range ds {
		if format == "text" {
			fmt.Fprintln(w, d)
		}
	}
	if len(ds) > 0 {
		return errFindings
	}
	return nil
}

// find returns the schema that an argument names: TYPE/VERSION, or its file in the folder.
func find(set gate.Set, arg, dir string) (schema.Schema, error) {
	name := filepath.ToSlash(filepath.Clean(arg))
	name = strings.TrimPrefix(name, filepath.ToSlash(filepath.Clean(dir))+"/")
	for _, f := range []schema.Format{schema.JSONSchema, schema.Avro, schema.Protobuf} {
		name = strings.TrimSuffix(name, schema.Extension(f))
	}
	ref := schema.Ref{Type: path.Dir(name), Version: path.Base(name)}
	s, ok := set[ref.Canonical()]
	if !ok {
		return schema.Schema{}, fmt.Errorf("%s: no such schema: expected TYPE/VERSION, such as order.placed/1", arg)
	}
	return s, nil
}
