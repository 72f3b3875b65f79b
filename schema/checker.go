package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/herald-go/herald/envelope"
)

// Policy is what becomes of an event whose type and version the registry does not know.
type Policy uint8

// Policies.
const (
	// Refuse refuses the event: it is not published, and what arrives is a dead letter.
	Refuse Policy = iota
	// Warn lets the event pass and logs its type and version once.
	Warn
	// Pass lets the event pass.
	Pass
	// Skip is for topics: nothing of the topic is checked, whether the registry knows it or not.
	Skip
)

// Framing is what stands on the wire before the data, by the rules of a registry. Implementations must be safe for concurrent use, must not
// keep or change data, and may block until ctx ends when they have to ask.
type Framing interface {
	// Frame returns data with the frame of the schema before it, in bytes that are the caller's.
	Frame(ctx context.Context, ref Ref, s Schema, data []byte) ([]byte, error)
	// Unframe returns data without its frame; it may share data's bytes. Data that has no frame, or that of another schema, must be an
	// *Error.
	Unframe(ctx context.Context, ref Ref, s Schema, data []byte) ([]byte, error)
}

// CheckerConfig is what a Checker is made of.
type CheckerConfig struct {
	// Registry finds the schemas. Required.
	Registry Registry
	// Compilers are those of the formats in use; package schema/formats lists all. A schema of another format is an error when it is met.
	Compilers []Compiler
	// Unknown is the policy for types and versions that the registry does not know. Defaults to Refuse.
	Unknown Policy
	// Topics are the policies of topics that have their own.
	Topics map[string]Policy
	// Framing is written before the data when publishing, and taken away before a handler sees it. Defaults to none.
	Framing Framing
	// Logger is told of what Warn lets pass. Defaults to none.
	Logger *slog.Logger
	// Cache is how many types and versions are kept compiled. Defaults to DefaultCache.
	Cache int
}

// Checker holds publishers and handlers to the schemas of a registry: it is a checker for pkg/messaging's WithChecker. What a registry has
// answered once for a type and version is kept, since it does not change; each schema is compiled once. It is safe for concurrent use.
type Checker struct {
	config    CheckerConfig
	compilers *Compilers

	mu     sync.RWMutex
	known  map[Ref]*contract
	warned map[Ref]struct{}
}

// contract is what the data of one type and version must be.
type contract struct {
	schema    Schema
	validator Validator
}

// NewChecker makes a checker. A registry that is a *Memory, as Folder returns one, is compiled whole at once; the error names every schema that
// can't be, each on a line of its own. It does not block.
func NewChecker(c CheckerConfig) (*Checker, error) {
	if c.Registry == nil {
		return nil, errors.New("schema checker: expected a registry")
	}
	if c.Cache <= 0 {
		c.Cache = DefaultCache
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	k := &Checker{config: c, known: make(map[Ref]*contract), warned: make(map[Ref]struct{})}
	m, isMemory := c.Registry.(*Memory)
	if isMemory {
		m.mu.RLock()
		k.config.Cache = max(c.Cache, len(m.schemas))
		m.mu.RUnlock()
	}
	k.compilers = NewCompilers(k.config.Cache, c.Compilers...)
	if isMemory {
		if err := k.compileAll(m); err != nil {
			return nil, fmt.Errorf("schema checker: %w", err)
		}
	}
	return k, nil
}

func (k *Checker) compileAll(m *Memory) error {
	refs, err := m.List(context.Background())
	if err != nil {
		return err
	}
	errs := make([]error, 0, len(refs))
	for _, ref := range refs {
		_, err := k.contract(context.Background(), ref)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// CheckPublish checks an event's data and puts the frame before it. The error is an *Error when the data does not fit, wraps ErrUnknown when
// the policy refuses what the registry does not know, and has a method Temporary that returns true when the registry could not answer.
func (k *Checker) CheckPublish(ctx context.Context, topic string, e *envelope.Event) error {
	c, ref, err := k.find(ctx, topic, e)
	if err != nil || c == nil {
		return err
	}
	if err := c.check(ref, e.Data); err != nil {
		return err
	}
	if k.config.Framing == nil {
		return nil
	}
	framed, err := k.config.Framing.Frame(ctx, ref, c.schema, e.Data)
	if err != nil {
		return k.failed(ref, err)
	}
	e.Data = framed
	return nil
}

// CheckReceive takes the frame away and checks an event's data. Its errors are those of CheckPublish.
func (k *Checker) CheckReceive(ctx context.Context, topic string, e *envelope.Event) error {
	c, ref, err := k.find(ctx, topic, e)
	if err != nil || c == nil {
		return err
	}
	data := e.Data
	if k.config.Framing != nil {
		if data, err = k.config.Framing.Unframe(ctx, ref, c.schema, data); err != nil {
			return k.failed(ref, err)
		}
	}
	if err := c.check(ref, data); err != nil {
		return err
	}
	e.Data = data
	return nil
}

// find returns the contract of an event, nil when it is not to be checked.
func (k *Checker) find(ctx context.Context, topic string, e *envelope.Event) (*contract, Ref, error) {
	policy, isOwn := k.config.Topics[topic]
	if !isOwn {
		policy = k.config.Unknown
	}
	ref := RefOf(e)
	if policy == Skip {
		return nil, ref, nil
	}
	k.mu.RLock()
	c := k.known[ref]
	k.mu.RUnlock()
	if c != nil {
		return c, ref, nil
	}
	c, err := k.contract(ctx, ref)
	if err == nil {
		return c, ref, nil
	}
	if !errors.Is(err, ErrUnknown) {
		return nil, ref, k.failed(ref, err)
	}
	switch policy {
	case Warn:
		k.warn(ctx, topic, ref)
		return nil, ref, nil
	case Pass:
		return nil, ref, nil
	default:
		return nil, ref, err
	}
}

// contract asks the registry and compiles.
func (k *Checker) contract(ctx context.Context, ref Ref) (*contract, error) {
	s, err := k.config.Registry.Schema(ctx, ref)
	if err != nil {
		return nil, err
	}
	v, err := k.compilers.Validator(s)
	if err != nil {
		return nil, err
	}
	c := &contract{schema: s, validator: v}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= k.config.Cache {
		clear(k.known) // the compiled schemas have a cache of their own, so this costs a lookup each
	}
	k.known[ref] = c
	return c, nil
}

// check validates data.
func (c *contract) check(ref Ref, data []byte) error {
	return named(ref, c.validator.Validate(data))
}

// named puts the schema's name into a mismatch that has none.
func named(ref Ref, err error) error {
	var mismatch *Error
	if !errors.As(err, &mismatch) || mismatch.Ref != (Ref{}) {
		return err
	}
	told := *mismatch
	told.Ref = ref
	return &told
}

// failed tells what is wrong for good from what may be told later.
func (k *Checker) failed(ref Ref, err error) error {
	if errors.Is(err, ErrMismatch) || errors.Is(err, ErrInvalidSchema) || errors.Is(err, ErrUnknown) {
		return named(ref, err)
	}
	return &unanswered{fmt.Errorf("schema of %s: %w", ref, err)}
}

// warn logs a type and version the first time.
func (k *Checker) warn(ctx context.Context, topic string, ref Ref) {
	k.mu.Lock()
	_, isKnown := k.warned[ref]
	isNew := !isKnown && len(k.warned) < k.config.Cache // hostile types are not logged for ever
	if isNew {
		k.warned[ref] = struct{}{}
	}
	k.mu.Unlock()
	if isNew {
		k.config.Logger.WarnContext(ctx, "no schema: the event is not checked", "topic", topic, "type", clip(ref.Type), "version", clip(ref.Version))
	}
}

// unanswered is an error of a registry that could not answer.
type unanswered struct{ err error }

func (e *unanswered) Error() string { return e.err.Error() }

// Unwrap returns the registry's error.
func (e *unanswered) Unwrap() error { return e.err }

// Temporary tells that another attempt may succeed.
func (e *unanswered) Temporary() bool { return true }
