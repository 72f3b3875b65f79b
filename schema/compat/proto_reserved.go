package compat

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/herald-go/herald/schema"
)

// RuleProtoUnreserved says that a field was removed and its number not reserved. It is advice of Unreserved and no finding of Check: nothing
// breaks until the number is used again.
const RuleProtoUnreserved Rule = "proto-number-not-reserved"

// Unreserved returns the fields of a Protobuf schema that a newer version removed without reserving their numbers, as the language guide
// asks for under "Deleting Fields". Other formats have none.
func Unreserved(ctx context.Context, older, newer Version) ([]Finding, error) {
	if older.Schema.Format != schema.Protobuf || newer.Schema.Format != schema.Protobuf {
		return nil, nil
	}
	from, err := compileProto(ctx, older)
	if err != nil {
		return nil, err
	}
	to, err := compileProto(ctx, newer)
	if err != nil {
		return nil, err
	}
	p := newPair(NewReadsOld, older.Ref, newer.Ref)
	return sorted(p.unreserved(from.Messages(), to.Messages())), nil
}

func (p *pair) unreserved(older, newer protoreflect.MessageDescriptors) []Finding {
	var fs []Finding
	for i := range older.Len() {
		from := older.Get(i)
		to := newer.ByName(from.Name())
		if to == nil || from.IsMapEntry() {
			continue
		}
		for j := range from.Fields().Len() {
			f := from.Fields().Get(j)
			if to.Fields().ByNumber(f.Number()) == nil && !to.ReservedRanges().Has(f.Number()) {
				fs = append(fs, p.finding(string(f.FullName()), RuleProtoUnreserved, fmt.Sprintf("`%s` was removed and its number %d is not reserved: a later field could take it, and read what %s carry there",
					f.Name(), f.Number(), p.events())))
			}
		}
		fs = append(fs, p.unreserved(from.Messages(), to.Messages())...)
	}
	return fs
}
