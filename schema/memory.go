package schema

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Memory is a registry in the program's memory. The zero value is empty and ready. It is safe for concurrent use and never blocks.
type Memory struct {
	mu      sync.RWMutex
	schemas map[Ref]Schema
}

// Put adds the schema of a type and version and keeps a copy of its text. What was put does not change any more: putting the same schema again
// is no error, another one under the same name is, and so is one over the limits
// of MaxText and MaxReferences. It does not compile the schema.
func (m *Memory) Put(ref Ref, s Schema) error {
	if err := ref.Validate(); err != nil {
		return fmt.Errorf("put schema: %w", err)
	}
	if err := s.CheckLimits(); err != nil {
		return fmt.Errorf("put schema: %w", err)
	}
	ref = ref.Canonical()
	s.Text = bytes.Clone(s.Text)
	s.References = slices.Clone(s.References)
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.schemas[ref]; ok {
		if old.Fingerprint() != s.Fingerprint() {
			return fmt.Errorf("put schema: %s has another schema already", ref)
		}
		return nil
	}
	if m.schemas == nil {
		m.schemas = make(map[Ref]Schema)
	}
	m.schemas[ref] = s
	return nil
}

// Schema implements Registry.
func (m *Memory) Schema(_ context.Context, ref Ref) (Schema, error) {
	m.mu.RLock()
	s, ok := m.schemas[ref.Canonical()]
	m.mu.RUnlock()
	if !ok {
		return Schema{}, fmt.Errorf("%w: %s", ErrUnknown, ref)
	}
	return s, nil
}

// List implements Lister.
func (m *Memory) List(context.Context) ([]Ref, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.SortedFunc(maps.Keys(m.schemas), Ref.Compare), nil
}
