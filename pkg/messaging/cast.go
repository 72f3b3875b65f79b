package messaging

import (
	"fmt"

	"github.com/herald-go/herald/envelope"
)

// cast turns the data of one version of a type into that of another.
type cast struct {
	typ, from, to string
	isDown        bool
	isNil         bool
	convert       func(e *envelope.Event) (data []byte, contentType string, err error)
}

// Upcast makes a binding that turns the data of a version into that of a newer one, so that a handler of the newer one takes both. Upcasters
// form a chain: with one from 1 to 2 and one from 2 to 3, a handler of version 3 gets events of all three. A version that has a handler of its
// own goes to that; of several handlers that can be reached the one that takes the fewest steps wins. What the handler gets is a delivery of
// its version: Version, Data and ContentType are those of the newer one, all else is the event's.
//
// f must be a pure function: it may run again for another attempt. An error of f, or of decoding, is a dead letter with reason "version".
func Upcast[A, B any](from Definition[A], to Definition[B], f func(A) (B, error)) Binding {
	return bindCast(from, to, f, false)
}

// Downcast makes a binding that turns the data of a version into that of an older one, for a consumer that knows only the older one. Downcasters
// work as upcasters do, and are taken only where no upcaster leads to a handler: what a newer version has more is lost.
func Downcast[A, B any](from Definition[A], to Definition[B], f func(A) (B, error)) Binding {
	return bindCast(from, to, f, true)
}

func bindCast[A, B any](from Definition[A], to Definition[B], f func(A) (B, error), isDown bool) Binding {
	c := &cast{typ: to.typ, from: envelope.CanonicalVersion(from.version), to: envelope.CanonicalVersion(to.version), isDown: isDown, isNil: f == nil}
	c.convert = func(e *envelope.Event) ([]byte, string, error) {
		old, err := from.Decode(e)
		if err != nil {
			return nil, "", err
		}
		renewed, err := f(old)
		if err != nil {
			return nil, "", fmt.Errorf("from version %s to %s: %w", c.from, c.to, err)
		}
		data, contentType, err := to.encode(renewed)
		if err != nil {
			return nil, "", fmt.Errorf("data of version %s: %w", c.to, err)
		}
		return data, contentType, nil
	}
	return Binding{typ: from.typ, version: from.version, cast: c}
}

// Caster turns events of one version into another by a chain of upcasters and downcasters. It is what Route and OnBatch use; it serves whoever
// reads events by other ways, and publishers that owe a consumer an older version (see Transform). It is immutable and safe for concurrent use.
type Caster struct{ casts map[string][]*cast }

// NewCaster makes a caster of the bindings of Upcast and Downcast. It refuses other bindings, two casts between the same versions, and casts
// between types or from a version to itself.
func NewCaster(bindings ...Binding) (*Caster, error) {
	c := &Caster{casts: make(map[string][]*cast)}
	for _, b := range bindings {
		if b.cast == nil {
			return nil, fmt.Errorf("%w: a binding of %s is no cast", errInvalid, b.typ)
		}
		if err := b.cast.validate(b.typ, c.casts[b.typ]); err != nil {
			return nil, err
		}
		c.casts[b.typ] = append(c.casts[b.typ], b.cast)
	}
	return c, nil
}

// validate reports what is wrong with a cast that follows others.
func (c *cast) validate(typ string, before []*cast) error {
	switch {
	case c.isNil:
		return fmt.Errorf("%w: the function from version %s to %s of %s is nil", errInvalid, c.from, c.to, typ)
	case typ != c.typ:
		return fmt.Errorf("%w: a cast from %s to %s: both must be of one type", errInvalid, typ, c.typ)
	case isPattern(typ):
		return fmt.Errorf("%w: a definition has one type, and %s is a pattern", errInvalid, typ)
	case c.from == c.to:
		return fmt.Errorf("%w: a cast of %s from version %s to itself", errInvalid, typ, c.from)
	}
	for _, other := range before {
		if other.from == c.from && other.to == c.to {
			return fmt.Errorf("%w: two casts from version %s to %s of %s", errInvalid, c.from, c.to, typ)
		}
	}
	return nil
}

// Cast returns e as an event of that version, its id and all else kept. Its Headers and, when it is of that version already, its Data are
// shared with e. It does not block.
func (c *Caster) Cast(e envelope.Event, version string) (envelope.Event, error) {
	steps, ok := c.way(e.Type, e.Version, func(v string) bool { return envelope.SameVersion(v, version) })
	if !ok {
		return e, fmt.Errorf("%w: no cast from version %s of %s to %s", errInvalid, envelope.CanonicalVersion(e.Version), e.Type, version)
	}
	err := apply(steps, &e)
	return e, err
}

// way finds the fewest casts from a version to one that is wanted, upcasts alone if they suffice.
func (c *Caster) way(typ, version string, isWanted func(version string) bool) ([]*cast, bool) {
	version = envelope.CanonicalVersion(version)
	if isWanted(version) {
		return nil, true
	}
	for _, withDown := range []bool{false, true} {
		if steps := c.search(typ, version, isWanted, withDown); steps != nil {
			return steps, true
		}
	}
	return nil, false
}

// search goes breadth first.
func (c *Caster) search(typ, version string, isWanted func(string) bool, withDown bool) []*cast {
	by := map[string]*cast{version: nil} // how each version was reached
	for queue := []string{version}; len(queue) > 0; queue = queue[1:] {
		for _, next := range c.casts[typ] {
			if _, known := by[next.to]; known || next.from != queue[0] || next.isDown && !withDown {
				continue
			}
			by[next.to] = next
			if isWanted(next.to) {
				return trace(by, next)
			}
			queue = append(queue, next.to)
		}
	}
	return nil
}

// trace returns the casts that end with last, in order.
func trace(by map[string]*cast, last *cast) []*cast {
	var steps []*cast
	for step := last; step != nil; step = by[step.from] {
		steps = append([]*cast{step}, steps...)
	}
	return steps
}

// apply casts e step by step. After an error e is as it was.
func apply(steps []*cast, e *envelope.Event) error {
	renewed := *e
	for _, step := range steps {
		data, contentType, err := step.convert(&renewed)
		if err != nil {
			return err
		}
		renewed.Data, renewed.ContentType, renewed.Version, renewed.Schema = data, contentType, step.to, ""
	}
	*e = renewed
	return nil
}
