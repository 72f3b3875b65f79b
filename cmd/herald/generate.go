package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/gotypes"
)

// generateFlags are the flags of `herald schema generate`.
type generateFlags struct {
	fromGo, typ, version, out, id string
	toGo, pkg                     string
	only, initialisms             []string
	closed, define, bare          bool
	protoPlugin                   string
}

func newSchemaGenerate() *cobra.Command {
	var f generateFlags
	cmd := &cobra.Command{
		Use:   "generate (--from-go DIR TYPE | --to-go FILE [SCHEMAS])",
		Short: "Write a schema from a Go type, or Go types from schemas",
		Long: `generate --from-go writes the JSON Schema of what encoding/json writes of a type, with its doc comments as
descriptions. The package is read, not run. It replaces the file that is there: "herald schema check" says whether
that may be.

generate --to-go writes the Go types of the JSON Schemas and Avro schemas of a folder (./schemas unless it is given)
into one file, and with --proto-plugin those of its Protobuf files beside it, one file each. FILE - is the standard output.`,
		Example: `  herald schema generate --from-go ./orders Order --type order.placed --version 1 -o schemas/
  herald schema generate --to-go events/events.go --define
  //go:generate go run github.com/herald-go/herald/cmd/herald schema generate --to-go events.go ../schemas`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.fromGo != "" && f.toGo != "":
				return errors.New("--from-go and --to-go: one of them")
			case f.fromGo != "":
				return f.schema(cmd, args)
			case f.toGo != "":
				return f.types(cmd, dirOf(args))
			}
			return errors.New("expected --from-go DIR TYPE or --to-go FILE")
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.fromGo, "from-go", "", "the directory of the package that has the type")
	flags.StringVar(&f.typ, "type", "", "the event type, such as order.placed")
	flags.StringVar(&f.version, "version", "1", "the version")
	flags.StringVarP(&f.out, "out", "o", defaultDir, "the folder of schemas to write to; - is the standard output")
	flags.StringVar(&f.id, "id", "", `the schema's "$id"`)
	flags.BoolVar(&f.closed, "closed", false, "refuse members that the type does not have")
	flags.StringVar(&f.toGo, "to-go", "", "the Go file to write")
	flags.StringVar(&f.pkg, "package", "", "the package of the Go file (default the name of its directory)")
	flags.BoolVar(&f.define, "define", false, "also write a messaging.Definition for each type and version")
	flags.BoolVar(&f.bare, "bare-names", false, "leave the event's name out of the names of what it contains")
	flags.StringSliceVar(&f.only, "only", nil, "only these: order.placed, or order.placed@2")
	flags.StringSliceVar(&f.initialisms, "initialism", nil, "a further word that names have in capitals")
	flags.StringVar(&f.protoPlugin, "proto-plugin", "", `the command of protoc-gen-go, for Protobuf files`)
	return cmd
}

// schema writes one schema from a Go type.
func (f *generateFlags) schema(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("expected the name of a type: --from-go DIR TYPE")
	}
	ref := schema.Ref{Type: f.typ, Version: f.version}
	if f.out != "-" || f.typ != "" {
		if err := ref.Validate(); err != nil {
			return fmt.Errorf("--type and --version: %w", err)
		}
	}
	s, err := gotypes.FromSource(cmd.Context(), f.fromGo, args[0], gotypes.FromConfig{ID: f.id, Closed: f.closed})
	if err != nil {
		return err
	}
	if f.out == "-" {
		_, err = cmd.OutOrStdout().Write(s.Text)
		return err
	}
	return putFile(cmd, filepath.Join(f.out, filepath.FromSlash(schema.PathOf(ref, schema.JSONSchema))), s.Text)
}

// types writes the Go types of a folder.
func (f *generateFlags) types(cmd *cobra.Command, dir string) error {
	set, err := loadDir(cmd, dir)
	if err != nil {
		return err
	}
	c := gotypes.ToConfig{Package: f.pkg, Define: f.define, BareNames: f.bare, Initialisms: f.initialisms}
	if c.Package == "" {
		if c.Package, err = packageOf(f.toGo); err != nil {
			return err
		}
	}
	var sources, protos []gotypes.Source
	for _, ref := range set.Refs() {
		if !f.wants(ref) {
			continue
		}
		s := gotypes.Source{Ref: ref, Schema: set[ref]}
		if s.Schema.Format == schema.Protobuf {
			protos = append(protos, s)
			continue
		}
		sources = append(sources, s)
	}
	if len(sources)+len(protos) == 0 {
		return errors.New("nothing to write")
	}
	if len(protos) > 0 && f.protoPlugin == "" {
		return fmt.Errorf("%s is Protobuf: --proto-plugin protoc-gen-go writes its types", protos[0].Ref)
	}
	if err := f.protos(cmd, c, protos); err != nil || len(sources) == 0 {
		return err
	}
	text, err := gotypes.To(c, sources...)
	if err != nil {
		return err
	}
	if f.toGo == "-" {
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return putFile(cmd, f.toGo, text)
}

// protos runs the plug-in for each Protobuf file.
func (f *generateFlags) protos(cmd *cobra.Command, c gotypes.ToConfig, sources []gotypes.Source) error {
	for _, s := range sources {
		text, err := gotypes.Proto(cmd.Context(), gotypes.ProtoConfig{Package: c.Package, Plugin: strings.Fields(f.protoPlugin)}, s)
		if err != nil {
			return err
		}
		name := strings.ToLower(gotypes.TypeName(s.Ref, c.Initialisms...)) + ".pb.go"
		if err := putFile(cmd, filepath.Join(filepath.Dir(f.toGo), name), text); err != nil {
			return err
		}
	}
	return nil
}

// wants reports whether --only names a version.
func (f *generateFlags) wants(ref schema.Ref) bool {
	return len(f.only) == 0 || slices.ContainsFunc(f.only, func(text string) bool {
		typ, version, hasVersion := strings.Cut(text, "@")
		return typ == ref.Type && (!hasVersion || envelope.SameVersion(version, ref.Version))
	})
}

// packageOf returns the name of the directory that a file goes to.
func packageOf(file string) (string, error) {
	if file == "-" {
		return "", nil
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	name := filepath.Base(filepath.Dir(abs))
	if !token.IsIdentifier(name) {
		return "", fmt.Errorf("%q is no name for a package: --package names it", name)
	}
	return name, nil
}

// putFile writes a file with the directories that it needs, and leaves one alone that is the same already.
func putFile(cmd *cobra.Command, name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := writeFile(name, text); err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "wrote", name)
	return nil
}
