package compat

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoCheck compares what a writer's messages put on the wire with what a reader's take from it, field number by field number, as the
// language guide has it under "Updating A Message Type".
type protoCheck struct {
	pair
	ctx       context.Context
	jsonNames bool
	steps     int
	seen      map[[2]protoreflect.FullName]bool
}

func compareProto(ctx context.Context, p pair, writer, reader Version, conf Config) ([]Finding, error) {
	w, err := compileProto(ctx, writer)
	if err != nil {
		return nil, err
	}
	r, err := compileProto(ctx, reader)
	if err != nil {
		return nil, err
	}
	from, err := eventMessage(w, writer)
	if err != nil {
		return nil, err
	}
	to, err := eventMessage(r, reader)
	if err != nil {
		return nil, err
	}
	c := &protoCheck{pair: p, ctx: ctx, jsonNames: conf.JSONNames, steps: maxSteps, seen: map[[2]protoreflect.FullName]bool{}}
	var fs []Finding
	if w.Package() != r.Package() {
		fs = append(fs, c.finding(string(r.Package()), RuleProtoPackage, fmt.Sprintf("the package changed from %s: %s have other full names than %s knows",
			c.change(named(w.Package())+" to "+named(r.Package()), named(r.Package())+" to "+named(w.Package())), c.events(), c.reader)))
	}
	if from.Name() != to.Name() {
		fs = append(fs, c.finding(string(to.FullName()), RuleProtoMessage, fmt.Sprintf("the event's message is %s in %s and %s in %s",
			from.Name(), c.writer, to.Name(), c.reader)))
	}
	fs = append(fs, c.message(from, to)...)
	fs = append(fs, c.messages(w.Messages(), r.Messages())...)
	if c.steps <= 0 {
		fs = append(fs, c.finding(string(to.FullName()), RuleUndecided, "the schemas are too large to be compared within bounds: "+c.events()+" may break "+c.reader))
	}
	return fs, ctx.Err()
}

func named(p protoreflect.FullName) string {
	if p == "" {
		return "none"
	}
	return string(p)
}

func (c *protoCheck) spend() bool {
	if c.steps--; c.steps%256 == 0 && c.ctx.Err() != nil {
		c.steps = 0
	}
	return c.steps > 0
}

// messages compares the messages that both files declare, and misses those that the reader's file lost.
func (c *protoCheck) messages(w, r protoreflect.MessageDescriptors) []Finding {
	var fs []Finding
	for i := range w.Len() {
		from := w.Get(i)
		if from.IsMapEntry() || !c.spend() {
			continue
		}
		to := r.ByName(from.Name())
		if to == nil {
			fs = append(fs, c.finding(string(from.FullName()), RuleProtoMessage, fmt.Sprintf("the message %s %s: %s may hold it, and %s does not know it",
				from.Name(), c.change("was removed", "was added"), c.events(), c.reader)))
			continue
		}
		fs = append(fs, c.message(from, to)...)
		fs = append(fs, c.messages(from.Messages(), to.Messages())...)
	}
	return fs
}

// message compares two messages once, wherever they are met.
func (c *protoCheck) message(w, r protoreflect.MessageDescriptor) []Finding {
	key := [2]protoreflect.FullName{w.FullName(), r.FullName()}
	if c.seen[key] || !c.spend() {
		return nil
	}
	c.seen[key] = true
	var fs []Finding
	for i := range r.Fields().Len() {
		to := r.Fields().Get(i)
		from := w.Fields().ByNumber(to.Number())
		switch {
		case from != nil:
			fs = append(fs, c.field(from, to)...)
		default:
			fs = append(fs, c.lacking(w, to)...)
		}
		if len(fs) >= MaxFindings || !c.spend() {
			return fs
		}
	}
	for i := range w.Fields().Len() {
		from := w.Fields().Get(i)
		if r.Fields().ByNumber(from.Number()) == nil {
			fs = append(fs, c.unread(from, r)...)
		}
	}
	return append(fs, c.oneofs(w, r)...)
}

// lacking looks at a field that only the reader has.
func (c *protoCheck) lacking(w protoreflect.MessageDescriptor, to protoreflect.FieldDescriptor) []Finding {
	var fs []Finding
	path := string(to.FullName())
	if to.Cardinality() == protoreflect.Required {
		fs = append(fs, c.finding(path, RuleProtoRequired, fmt.Sprintf("`%s` is required by %s: %s lack it", to.Name(), c.reader, c.events())))
	}
	if from := w.Fields().ByName(to.Name()); from != nil {
		fs = append(fs, c.finding(path, RuleProtoNumber, fmt.Sprintf("`%s` changed its number from %s: %s carry it as %d, which %s takes for another field",
			to.Name(), c.change(fmt.Sprintf("%d to %d", from.Number(), to.Number()), fmt.Sprintf("%d to %d", to.Number(), from.Number())),
			c.events(), from.Number(), c.reader)))
	}
	if c.backward && w.ReservedRanges().Has(to.Number()) {
		fs = append(fs, c.reused(to, c.writer))
	}
	return fs
}

// unread looks at a field that only the writer has.
func (c *protoCheck) unread(from protoreflect.FieldDescriptor, r protoreflect.MessageDescriptor) []Finding {
	if !c.backward && r.ReservedRanges().Has(from.Number()) {
		return []Finding{c.reused(from, c.reader)}
	}
	return nil
}

// reused reports a field of the newer version on a number that the older reserved.
func (c *protoCheck) reused(f protoreflect.FieldDescriptor, by string) Finding {
	return c.finding(string(f.FullName()), RuleProtoReserved, fmt.Sprintf("`%s` uses the number %d, which %s reserves for what had it before: older events may still carry that",
		f.Name(), f.Number(), by))
}

// oneofs compares which fields exclude each other.
func (c *protoCheck) oneofs(w, r protoreflect.MessageDescriptor) []Finding {
	var fs []Finding
	older, newer := w, r
	if !c.backward {
		older, newer = r, w
	}
	for i := range newer.Oneofs().Len() {
		o := newer.Oneofs().Get(i)
		if o.IsSynthetic() {
			continue
		}
		moved, members := 0, 0
		for j := range o.Fields().Len() {
			before := older.Fields().ByNumber(o.Fields().Get(j).Number())
			switch {
			case before == nil:
			case exclusive(before):
				members++
			default:
				moved++
			}
		}
		if moved > 1 || moved == 1 && members > 0 {
			fs = append(fs, c.finding(string(o.FullName()), RuleProtoOneofMoved, fmt.Sprintf("%d field(s) moved into the oneof `%s`: events that set several of its members keep only the last",
				moved, o.Name())))
		}
	}
	return append(fs, c.oneofMembers(w, r)...)
}

func exclusive(f protoreflect.FieldDescriptor) bool {
	o := f.ContainingOneof()
	return o != nil && !o.IsSynthetic()
}

// oneofMembers looks for members of the writer's oneof that the reader would not see set.
func (c *protoCheck) oneofMembers(w, r protoreflect.MessageDescriptor) []Finding {
	var fs []Finding
	for i := range w.Oneofs().Len() {
		o := w.Oneofs().Get(i)
		known := r.Oneofs().ByName(o.Name())
		if o.IsSynthetic() || known == nil || known.IsSynthetic() {
			continue
		}
		for j := range o.Fields().Len() {
			f := o.Fields().Get(j)
			if r.Fields().ByNumber(f.Number()) == nil {
				fs = append(fs, c.finding(string(f.FullName()), RuleProtoOneofMember, fmt.Sprintf("`%s` %s the oneof `%s`: %s may set it, and %s sees a oneof that is not set",
					f.Name(), c.change("was removed from", "was added to"), o.Name(), c.events(), c.reader)))
			}
		}
	}
	return fs
}
