package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gate"
)

// defaultDir is where commands look for schemas when they are not told.
const defaultDir = "schemas"

func newSchema() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Check, compare, generate and lock the schemas of events",
		Long: `Schemas are read from a folder with a file for each type and version:

  schemas/order.placed/1.json     JSON Schema, 2020-12 or draft-07
  schemas/order.placed/2.avsc     Avro
  schemas/order.placed/3.proto    Protobuf

DIR is ./schemas unless it is given. Nothing goes over the network, except to a registry that --against names.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSchemaCheck(), newSchemaDiff(), newSchemaGenerate(), newSchemaLint(), newSchemaLock())
	return cmd
}

// dirOf returns the folder that the arguments name.
func dirOf(args []string) string {
	if len(args) == 0 {
		return defaultDir
	}
	return args[0]
}

// loadDir reads a folder of schemas. One without any is an error: most likely it is the wrong folder.
func loadDir(cmd *cobra.Command, dir string) (gate.Set, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: expected a folder of schemas", dir)
	}
	folder, err := schema.Folder(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	set, err := gate.Load(cmd.Context(), folder)
	if err != nil {
		return nil, err
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("%s: no schemas there: expected files such as %s", dir, filepath.Join(dir, "order.placed", "1.json"))
	}
	return set, nil
}

// countOf writes a number of things.
func countOf(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(thing, "y"))
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
