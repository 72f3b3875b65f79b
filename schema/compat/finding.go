package compat

import (
	"cmp"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema"
)

// Direction says which reading breaks.
type Direction string

// The two directions.
const (
	// NewReadsOld is what the backward modes ask for: the newer version reads events of the older.
	NewReadsOld Direction = "backward"
	// OldReadsNew is what the forward modes ask for: the older version reads events of the newer.
	OldReadsNew Direction = "forward"
)

// Finding is one change that breaks, or may break.
type Finding struct {
	// Path is the place in the reader's schema. For JSON Schema it is the keyword location of the specification: a JSON Pointer that
	// follows references, such as "/properties/lines/items/$ref/properties/sku"; "" is the whole schema. For Avro it is the path of
	// fields, such as "Order.lines[].sku". For Protobuf it is the full name of the message with the field, such as "shop.Order.total".
	Path string `json:"path"`
	// Rule is what was broken. It is stable, so it can be allowed by name.
	Rule Rule `json:"rule"`
	// Direction says which reading breaks.
	Direction Direction `json:"direction"`
	// Older and Newer are the versions that were compared.
	Older string `json:"older"`
	Newer string `json:"newer"`
	// Message says what changed, and which events show it.
	Message string `json:"message"`
}

// String returns the direction, the path, the message and the rule in one line.
func (f Finding) String() string {
	path := f.Path
	if path == "" {
		path = "/"
	}
	return string(f.Direction) + ": " + path + ": " + f.Message + " (" + string(f.Rule) + ")"
}

// MaxFindings is how many findings one comparison in one direction returns at most.
const MaxFindings = 100

// sorted orders findings by path, rule and message, drops repetitions and cuts the list at MaxFindings.
func sorted(fs []Finding) []Finding {
	slices.SortFunc(fs, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(string(a.Rule), string(b.Rule)), strings.Compare(a.Message, b.Message))
	})
	fs = slices.Compact(fs)
	return fs[:min(len(fs), MaxFindings)]
}

// pair names the two sides of one reading in messages.
type pair struct {
	direction      Direction
	older, newer   string
	writer, reader string // "version 1"
	backward       bool
}

func newPair(d Direction, older, newer schema.Ref) pair {
	older, newer = older.Canonical(), newer.Canonical()
	p := pair{direction: d, older: older.Version, newer: newer.Version, backward: d == NewReadsOld}
	p.writer, p.reader = "version "+older.Version, "version "+newer.Version
	if !p.backward {
		p.writer, p.reader = p.reader, p.writer
	}
	return p
}

// events returns "events of version 1" for the side that writes.
func (p *pair) events() string { return "events of " + p.writer }

// change returns the text that describes one change in the order of time: now for a check whether the newer reads the older, before for the
// other way round.
func (p *pair) change(now, before string) string {
	if p.backward {
		return now
	}
	return before
}

func (p *pair) finding(path string, rule Rule, message string) Finding {
	return Finding{Path: path, Rule: rule, Direction: p.direction, Older: p.older, Newer: p.newer, Message: message}
}
