package compat

import (
	"context"
	"fmt"
	"slices"

	"github.com/herald-go/herald/schema"
)

// Version is one version of a type's schema.
type Version struct {
	// Ref names it; its version is how messages call it.
	Ref schema.Ref
	// Schema is what the data looks like. It is not changed.
	Schema schema.Schema
}

// Config says what counts as compatible. The zero value is the mode Backward by the strict reading of each format.
type Config struct {
	// Mode is whose readers must read whose events; Backward by default.
	Mode Mode
	// DeclaredOnly takes it that publishers send only the properties that their JSON Schema declares, even where its content model is open
	// (no additionalProperties). Then an optional property may be added to an open object. By default an open object may already hold
	// anything under the new name, as Confluent's rules have it.
	DeclaredOnly bool
	// JSONNames also compares the names of Protobuf fields and enum values in JSON (the wire has numbers alone).
	JSONNames bool
	// Allow lists rules whose findings are left out.
	Allow []Rule
}

// Check compares a version with those before it, oldest first: with the last, or with all of them in a transitive mode. It returns what breaks,
// sorted by path for each version and direction; none means compatible. It works offline, within bounds on the work, and may be called
// concurrently. A schema that can't be read is an error that wraps schema.ErrInvalidSchema; ctx bounds the whole.
func Check(ctx context.Context, older []Version, newer Version, c Config) ([]Finding, error) {
	if len(older) > 0 && !c.Mode.Transitive() {
		older = older[len(older)-1:]
	}
	var all []Finding
	for i := range older {
		for _, d := range c.Mode.Directions() {
			fs, err := Compare(ctx, older[i], newer, d, c)
			if err != nil {
				return nil, err
			}
			all = append(all, fs...)
		}
	}
	return all, nil
}

// Compare checks one direction between two versions; Config.Mode is not looked at. Otherwise it is as Check.
func Compare(ctx context.Context, older, newer Version, d Direction, c Config) ([]Finding, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := newPair(d, older.Ref, newer.Ref)
	for _, v := range []Version{older, newer} {
		if err := v.Schema.CheckLimits(); err != nil {
			return nil, fmt.Errorf("compare %s with version %s: %w", newer.Ref, p.older, err)
		}
	}
	if older.Schema.Format != newer.Schema.Format {
		return allowed([]Finding{p.finding("", RuleFormatChanged, fmt.Sprintf("the schema changed from %s to %s: %s can't be read by %s",
			older.Schema.Format, newer.Schema.Format, p.events(), p.reader))}, c), nil
	}
	writer, reader := older, newer
	if d == OldReadsNew {
		writer, reader = newer, older
	}
	var fs []Finding
	var err error
	switch newer.Schema.Format {
	case schema.JSONSchema:
		fs, err = compareJSON(ctx, p, writer, reader, c)
	case schema.Avro:
		fs, err = compareAvro(ctx, p, writer, reader)
	case schema.Protobuf:
		fs, err = compareProto(ctx, p, writer, reader, c)
	default:
		err = fmt.Errorf("%w: unknown format %q", schema.ErrInvalidSchema, newer.Schema.Format)
	}
	if err != nil {
		return nil, fmt.Errorf("compare %s with version %s: %w", newer.Ref, p.older, err)
	}
	return allowed(sorted(fs), c), nil
}

func allowed(fs []Finding, c Config) []Finding {
	return slices.DeleteFunc(fs, func(f Finding) bool { return slices.Contains(c.Allow, f.Rule) })
}

// invalid names the version whose schema can't be read.
func invalid(v Version, err error) error {
	return fmt.Errorf("%w %s: %w", schema.ErrInvalidSchema, v.Ref, err)
}

// maxSteps bounds the work of one comparison: pairs of subschemas looked at, values tried. The largest schemas of practice take some thousands.
const maxSteps = 50_000
