package messaging

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/herald-go/herald/envelope"
)

// Binding is a handler for one type, or for a pattern of types, and one version or all; [On] and [OnType] make it. Or it is a step from one
// version of a type to another; [Upcast] and [Downcast] make that.
type Binding struct {
	typ, version string
	handler      Handler
	cast         *cast // instead of a handler
}

// OnType binds a handler to a type or a pattern of types, whatever the version: `*` stands for one word between dots, `#` for any number of
// words.
func OnType(pattern string, h Handler) Binding {
	if f, ok := h.(HandlerFunc); ok && f == nil {
		h = nil
	}
	return Binding{typ: pattern, handler: h}
}

// Router is a Handler that picks a binding by type and version. It is immutable and safe for concurrent use.
type Router struct {
	exact    map[string][]Binding
	patterns []Binding
	types    []string
	caster   Caster
	broken   error // of the casts
}

// Route makes a router of bindings. Exact types win over patterns; among patterns the first that matches wins. The types of its bindings
// are the subscription's filter, unless Types says otherwise. Subscribe refuses a router without bindings, two bindings for the same type and
// version or for the same pattern, a binding without a handler, a definition whose type is a pattern, and a cast that leads to no handler.
func Route(bindings ...Binding) *Router {
	r := &Router{exact: make(map[string][]Binding, len(bindings)), caster: Caster{casts: make(map[string][]*cast)}}
	for _, b := range bindings {
		switch {
		case b.cast != nil:
			r.broken = errors.Join(r.broken, b.cast.validate(b.typ, r.caster.casts[b.typ]))
			r.caster.casts[b.typ] = append(r.caster.casts[b.typ], b.cast)
			continue
		case isPattern(b.typ):
			r.patterns = append(r.patterns, b)
		default:
			r.exact[b.typ] = append(r.exact[b.typ], b)
		}
		if !slices.Contains(r.types, b.typ) {
			r.types = append(r.types, b.typ)
		}
	}
	slices.Sort(r.types)
	return r
}

// Types returns the types and patterns of the bindings, sorted.
func (r *Router) Types() []string { return slices.Clone(r.types) }

// Handle calls the binding for the delivery's type and version, or the one that upcasters, else downcasters lead to, with the delivery cast to
// its version. A version without either is a dead letter with reason "version". A type
// without a binding goes back to the group for a member that has one; after ten minutes it is a dead letter with reason "unhandled".
func (r *Router) Handle(ctx context.Context, d *Delivery) error {
	bindings, known := r.exact[d.Type]
	for i := range bindings {
		if bindings[i].version == "" || envelope.SameVersion(bindings[i].version, d.Version) {
			return bindings[i].handler.Handle(ctx, d)
		}
	}
	if known {
		return r.handleCast(ctx, d, bindings)
	}
	for i := range r.patterns {
		if matchType(r.patterns[i].typ, d.Type) {
			return r.patterns[i].handler.Handle(ctx, d)
		}
	}
	return errNoRoute
}

// handleCast hands the delivery to a handler of another version.
func (r *Router) handleCast(ctx context.Context, d *Delivery, bindings []Binding) error {
	if len(r.caster.casts[d.Type]) == 0 {
		return refused(ReasonVersion, fmt.Errorf("no handler for version %s of %s", d.Version, d.Type))
	}
	var handler Handler
	steps, ok := r.caster.way(d.Type, d.Version, func(version string) bool {
		for i := range bindings {
			if envelope.SameVersion(bindings[i].version, version) {
				handler = bindings[i].handler
				return true
			}
		}
		return false
	})
	if !ok {
		return refused(ReasonVersion, fmt.Errorf("no handler for version %s of %s, and no upcaster to one", d.Version, d.Type))
	}
	if err := apply(steps, &d.Event); err != nil {
		return refused(ReasonVersion, err)
	}
	return handler.Handle(ctx, d)
}

// validateCasts reports casts that are broken or lead to no handler.
func (r *Router) validateCasts() error {
	if r.broken != nil {
		return r.broken
	}
	for typ, casts := range r.caster.casts {
		for _, c := range casts {
			_, ok := r.caster.way(typ, c.to, func(version string) bool {
				return slices.ContainsFunc(r.exact[typ], func(b Binding) bool { return b.version != "" && envelope.SameVersion(b.version, version) })
			})
			if !ok {
				return fmt.Errorf("%w: the cast to version %s of %s leads to no handler", errInvalid, c.to, typ)
			}
		}
	}
	return nil
}

// validate reports bindings that shadow each other or have no handler.
func (r *Router) validate() error {
	if len(r.types) == 0 {
		return fmt.Errorf("%w: the router has no bindings", errInvalid)
	}
	for i, b := range r.patterns {
		if err := b.validate(r.patterns[:i]); err != nil {
			return err
		}
	}
	for _, typ := range r.types {
		bindings := r.exact[typ]
		for i, b := range bindings {
			if err := b.validate(bindings[:i]); err != nil {
				return err
			}
		}
	}
	return r.validateCasts()
}

// validate reports what is wrong with a binding that follows others.
func (b *Binding) validate(before []Binding) error {
	switch {
	case b.handler == nil:
		return fmt.Errorf("%w: the handler of %s is nil", errInvalid, b.typ)
	case b.version != "" && isPattern(b.typ):
		return fmt.Errorf("%w: a definition has one type, and %s is a pattern; bind it with OnType", errInvalid, b.typ)
	}
	for _, other := range before {
		switch {
		case b.typ != other.typ:
		case b.version == "" || other.version == "":
			return fmt.Errorf("%w: two handlers for %s, one of them for all versions", errInvalid, b.typ)
		case envelope.SameVersion(b.version, other.version):
			return fmt.Errorf("%w: two handlers for version %s of %s", errInvalid, b.version, b.typ)
		}
	}
	return nil
}
