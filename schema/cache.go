package schema

import (
	"container/list"
	"fmt"
	"sync"
)

// DefaultCache is how many compiled schemas Compilers keep unless told otherwise.
const DefaultCache = 1024

// Compilers are the compilers of several formats, with a cache of what they compiled: the same schema is compiled once, also when several
// goroutines ask for it at the same moment, and so is one that can't be compiled. They are safe for concurrent use.
type Compilers struct {
	formats map[Format]Compiler
	most    int

	mu      sync.Mutex
	entries map[Fingerprint]*list.Element
	recent  *list.List // of *compiled, the last used first
}

// compiled is one entry of the cache.
type compiled struct {
	key       Fingerprint
	once      sync.Once
	validator Validator
	err       error
}

// NewCompilers returns compilers that keep the most recently used schemas, DefaultCache of them when most is not positive. Of two compilers of
// one format the last counts.
func NewCompilers(most int, compilers ...Compiler) *Compilers {
	if most <= 0 {
		most = DefaultCache
	}
	c := &Compilers{formats: make(map[Format]Compiler), most: most, entries: make(map[Fingerprint]*list.Element), recent: list.New()}
	for _, one := range compilers {
		c.formats[one.Format()] = one
	}
	return c
}

// Validator returns the validator of a schema. It blocks while the schema is being compiled. The error wraps ErrInvalidSchema.
func (c *Compilers) Validator(s Schema) (Validator, error) {
	compiler, ok := c.formats[s.Format]
	if !ok {
		return nil, fmt.Errorf("%w: %s: no compiler for the format %q", ErrInvalidSchema, s.Source, clip(string(s.Format)))
	}
	if err := s.CheckLimits(); err != nil {
		return nil, err
	}
	e := c.entry(s.Fingerprint())
	e.once.Do(func() { e.validator, e.err = compiler.Compile(s) })
	return e.validator, e.err
}

// entry returns the cache's place for a schema.
func (c *Compilers) entry(key Fingerprint) *compiled {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.entries[key]; ok {
		c.recent.MoveToFront(at)
		e, _ := at.Value.(*compiled)
		return e
	}
	e := &compiled{key: key}
	c.entries[key] = c.recent.PushFront(e)
	for c.recent.Len() > c.most {
		last := c.recent.Back()
		old, _ := c.recent.Remove(last).(*compiled)
		delete(c.entries, old.key)
	}
	return e
}

// CheckLimits returns an error that wraps ErrInvalidSchema when a schema, with all that it refers to, is over MaxText, MaxReferences or
// MaxReferenceDepth. Compilers call it before they read anything: references to references may multiply without end.
func (s *Schema) CheckLimits() error {
	size, refs, err := s.weigh(0)
	if err == nil && (size > MaxText || refs > MaxReferences) {
		err = fmt.Errorf("expected at most %d bytes and %d references", MaxText, MaxReferences)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalidSchema, s.Source, err)
	}
	return nil
}

func (s *Schema) weigh(depth int) (size, refs int, err error) {
	if depth > MaxReferenceDepth {
		return 0, 0, fmt.Errorf("expected at most %d levels of references", MaxReferenceDepth)
	}
	size = len(s.Text)
	for i := range s.References {
		n, r, err := s.References[i].weigh(depth + 1)
		size, refs = size+n, refs+1+r
		if err != nil || refs > MaxReferences {
			return size, refs, err
		}
	}
	return size, refs, nil
}
