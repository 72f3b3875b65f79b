package gate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/herald-go/herald/schema"
)

// Source is where a set of schemas comes from: schema.Memory, so what schema.Folder returns, or a registry that can list what it holds.
type Source interface {
	schema.Registry
	schema.Lister
}

// Set holds schemas by canonical reference.
type Set map[schema.Ref]schema.Schema

// Load reads all that a source holds. It blocks as long as the source does.
func Load(ctx context.Context, from Source) (Set, error) {
	refs, err := from.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list schemas: %w", err)
	}
	set := make(Set, len(refs))
	for _, ref := range refs {
		s, err := from.Schema(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("load schema %s: %w", ref, err)
		}
		set[ref.Canonical()] = s
	}
	return set, nil
}

// Refs returns the references of the set, sorted by type and version. The slice is the caller's.
func (s Set) Refs() []schema.Ref { return slices.SortedFunc(maps.Keys(s), schema.Ref.Compare) }
