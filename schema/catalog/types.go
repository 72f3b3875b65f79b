package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
	"github.com/herald-go/herald/schema/gate"
	"github.com/herald-go/herald/schema/internal/outline"
)

// eventType is one event type with its versions, the oldest first.
type eventType struct {
	name     string
	versions []version
}

// version is one version of a type.
type version struct {
	ref     schema.Ref
	schema  *schema.Schema // nil when the registry has none
	root    *outline.Node
	changes []gate.Difference // since the version before it
	breaks  []compat.Finding
	changed bool // there is a version to compare with
}

// readTypes reads the schemas of all types.
func readTypes(ctx context.Context, registry Registry, refs []schema.Ref) ([]eventType, error) {
	var out []eventType
	for _, ref := range refs {
		v, err := readVersion(ctx, registry, ref)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %s: %w", ref, err)
		}
		if len(out) == 0 || out[len(out)-1].name != ref.Type {
			out = append(out, eventType{name: ref.Type})
		}
		last := &out[len(out)-1]
		if n := len(last.versions); n > 0 {
			if err := v.compare(ctx, &last.versions[n-1]); err != nil {
				return nil, fmt.Errorf("catalogue: %s: %w", ref, err)
			}
		}
		last.versions = append(last.versions, *v)
	}
	return out, nil
}

func readVersion(ctx context.Context, registry Registry, ref schema.Ref) (*version, error) {
	v := &version{ref: ref}
	if registry == nil {
		return v, nil
	}
	s, err := registry.Schema(ctx, ref)
	if errors.Is(err, schema.ErrUnknown) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	v.schema = &s
	v.root, err = outline.Read(s)
	return v, err
}

// compare finds what changed since an older version, and which reading breaks. It takes it that publishers send what their schema declares.
func (v *version) compare(ctx context.Context, older *version) error {
	if v.schema == nil || older.schema == nil {
		return nil
	}
	v.changed = true
	var err error
	if v.schema.Format == older.schema.Format {
		if v.changes, err = gate.Diff(*older.schema, *v.schema); err != nil {
			return err
		}
	}
	a, b := compat.Version{Ref: older.ref, Schema: *older.schema}, compat.Version{Ref: v.ref, Schema: *v.schema}
	for _, d := range compat.Full.Directions() {
		found, err := compat.Compare(ctx, a, b, d, compat.Config{DeclaredOnly: true})
		if err != nil {
			return err
		}
		v.breaks = append(v.breaks, found...)
	}
	return nil
}
