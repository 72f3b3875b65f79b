package gotypes

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// value is a Go type expression for a node.
type value struct {
	expr string
	// isNilable says that the type has a nil of its own, so that it needs no pointer.
	isNilable bool
	// isRaw says that it is JSON as it came.
	isRaw bool
	// isStruct says that it is a struct by name, and isBusy that the struct contains what asks.
	isStruct, isBusy bool
	// bounded says that the type stands for the bounds of the schema.
	bounded bool
	// notes are what Go does not say.
	notes []string
}

func (v *value) note() string {
	if len(v.notes) == 0 {
		return ""
	}
	return "\n\n" + strings.Join(v.notes, "\n")
}

func (g *generator) use(path string) { g.imports[path] = true }

func (g *generator) raw(notes ...string) value {
	g.use("encoding/json")
	return value{expr: "json.RawMessage", isNilable: true, isRaw: true, notes: notes}
}

// maxSteps bounds the work: definitions that use each other twice grow with the power of their depth.
const maxSteps = 100_000

// value returns the type of a node without its null. name is what a type that it needs is called.
func (g *generator) value(n *outline.Node, name string) value {
	g.depth++
	g.steps++
	if g.depth > maxDepth || g.steps > maxSteps {
		g.depth--
		return g.raw("It is larger than what Go is written for.")
	}
	defer func() { g.depth-- }()
	n = n.Resolve()
	if n.Name != "" {
		name = g.prefix + exported(g.localName(n.Name), g.config.Initialisms)
	}
	if isEnumeration(n) {
		return value{expr: g.declare(n, name)}
	}
	switch n.Kind {
	case outline.Object:
		isBusy := g.busy[n]
		return value{expr: g.declare(n, name), isStruct: true, isBusy: isBusy}
	case outline.Array, outline.Map:
		return g.container(n, name)
	case outline.OneOf:
		return g.oneOf(n, name)
	case outline.Bytes:
		return g.bytes(n)
	case outline.Any, outline.Null, outline.Ref:
		return g.anything(n)
	}
	return g.scalar(n)
}

// localName returns "Line" for Avro's "com.example.Line".
func (g *generator) localName(name string) string {
	if !g.isAvro {
		return name
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}

func (g *generator) anything(n *outline.Node) value {
	if g.isAvro {
		return value{expr: "any", isNilable: true}
	}
	return g.raw(unsaid(n)...)
}

// declare returns the name of the type of an object or an enumeration, which it writes when it meets it first.
func (g *generator) declare(n *outline.Node, name string) string {
	if known, ok := g.named[n]; ok {
		return known
	}
	name = g.taken.take(name)
	g.named[n] = name
	at := len(g.decls)
	g.decls = append(g.decls, "")
	words := n.Description
	if words == "" {
		words = name + " is a part of " + g.owner + "."
		if n.Title != "" {
			words = name + " is " + n.Title + "."
		}
	}
	doc := deprecated(words, n.Deprecated)
	if n.Kind == outline.Object {
		g.decls[at] = g.structure(n, name, doc)
	} else {
		g.decls[at] = g.enumeration(n, name, doc)
	}
	return name
}

// container returns a slice or a map. One that contains only itself stays JSON.
func (g *generator) container(n *outline.Node, name string) value {
	if g.busy[n] {
		return g.raw("It contains itself.")
	}
	g.busy[n] = true
	defer delete(g.busy, n)
	elem := g.value(n.Elem, name+map[outline.Kind]string{outline.Array: "Item", outline.Map: "Value"}[n.Kind])
	expr := elem.expr
	if isNullable(n.Elem) && !elem.isNilable {
		expr = "*" + expr
	}
	notes := append(unsaid(n), elem.notes...)
	if n.Kind == outline.Array {
		return value{expr: "[]" + expr, isNilable: true, notes: notes}
	}
	key := "string"
	if n.Keys != nil && n.Keys.Kind == outline.Integer {
		key = "int64"
	}
	return value{expr: "map[" + key + "]" + expr, isNilable: true, notes: notes}
}

// oneOf returns JSON as it came, and writes the types that it may be.
func (g *generator) oneOf(n *outline.Node, name string) value {
	if g.busy[n] {
		return g.raw("It contains itself.")
	}
	g.busy[n] = true
	defer delete(g.busy, n)
	branches := make([]string, 0, len(n.Branches))
	for i, b := range n.Branches {
		branches = append(branches, g.value(b, name+strconv.Itoa(i+1)).expr)
	}
	note := "It is one of: " + strings.Join(branches, ", ") + "."
	if g.isAvro {
		return value{expr: "any", isNilable: true, notes: []string{note}}
	}
	return g.raw(note)
}

func (g *generator) bytes(n *outline.Node) value {
	size, _ := n.Constraint("size").(json.Number)
	if length, err := strconv.ParseUint(size.String(), 10, 31); err == nil && g.isAvro && n.Format == "" {
		return value{expr: "[" + strconv.FormatUint(length, 10) + "]byte"}
	}
	if n.Format == "decimal" && g.isAvro {
		g.use("math/big")
		return value{expr: "*big.Rat", isNilable: true}
	}
	return value{expr: "[]byte", isNilable: true, notes: unsaid(n)}
}

// avroScalars are the Go types of Avro's types where they differ from those of JSON.
var avroScalars = map[string]string{"int": "int32", "float": "float32", "int date": "time.Time", "int time-millis": "time.Duration", "long time-micros": "time.Duration"}

func (g *generator) scalar(n *outline.Node) value {
	if expr, ok := avroScalars[n.Native]; ok && g.isAvro {
		if strings.HasPrefix(expr, "time.") {
			g.use("time")
		}
		return value{expr: expr}
	}
	if n.Format == "date-time" && len(n.Constraints) == 0 && n.Enum == nil && (n.Kind == outline.String || g.isAvro) {
		g.use("time")
		return value{expr: "time.Time", notes: unsaid(n)}
	}
	switch n.Kind {
	case outline.Integer:
		if expr := sized(n); expr != "" {
			return value{expr: expr, bounded: true, notes: unsaid(n)}
		}
		return value{expr: "int64", notes: unsaid(n)}
	case outline.Number:
		return value{expr: "float64", notes: unsaid(n)}
	case outline.Boolean:
		return value{expr: "bool", notes: unsaid(n)}
	}
	return value{expr: "string", notes: unsaid(n)}
}

// sized returns the integer type whose bounds are exactly the schema's.
func sized(n *outline.Node) string {
	least, most := outline.Text(n.Constraint("minimum")), outline.Text(n.Constraint("maximum"))
	for _, bits := range []int{8, 16, 32} {
		half := int64(math.Pow(2, float64(bits-1)))
		switch {
		case least == strconv.FormatInt(-half, 10) && most == strconv.FormatInt(half-1, 10):
			return fmt.Sprintf("int%d", bits)
		case least == "0" && most == strconv.FormatInt(2*half-1, 10):
			return fmt.Sprintf("uint%d", bits)
		}
	}
	if least == "0" && most == strconv.FormatUint(math.MaxUint64, 10) {
		return "uint64"
	}
	return ""
}

// unsaid lists the keywords that the Go type does not say.
func unsaid(n *outline.Node) []string {
	if len(n.Rest) == 0 {
		return nil
	}
	return []string{"The schema also says: " + strings.Join(n.Rest, ", ") + "."}
}

// isNullable reports whether a node allows null, itself or where it refers to.
func isNullable(n *outline.Node) bool {
	for range maxDepth {
		if n.Nullable {
			return true
		}
		if n.Kind != outline.Ref {
			return false
		}
		n = n.Target
	}
	return false
}
