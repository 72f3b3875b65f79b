package gotypes

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// isEnumeration reports whether a node gets typed constants: several texts or several integers.
func isEnumeration(n *outline.Node) bool {
	if len(n.Enum) < 2 {
		return false
	}
	for _, v := range n.Enum {
		switch v := v.(type) {
		case string:
			if n.Kind != outline.String {
				return false
			}
		case json.Number:
			if _, err := strconv.ParseInt(v.String(), 10, 64); err != nil || n.Kind != outline.Integer {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// enumeration writes a type, its constants, and the method that From knows it by.
func (g *generator) enumeration(n *outline.Node, name, doc string) string {
	var b strings.Builder
	base := "string"
	if n.Kind == outline.Integer {
		base = "int64"
	}
	b.WriteString(comment(doc, "") + "type " + name + " " + base + "\n\n// The values of " + name + ".\nconst (\n")
	names := make([]string, 0, len(n.Enum))
	seen := make(map[string]bool)
	for _, v := range n.Enum {
		text := outline.Text(v)
		if seen[text] {
			continue
		}
		seen[text] = true
		word, literal := text, text
		if s, ok := v.(string); ok {
			word, literal = s, strconv.Quote(s)
		}
		constant := g.taken.take(name + g.suffix(word))
		names = append(names, constant)
		b.WriteString(constant + " " + name + " = " + literal + "\n")
	}
	b.WriteString(")\n\n// Values returns all values that there are.\nfunc (" + name + ") Values() []" + name + " {\nreturn []" + name + "{" +
		strings.Join(names, ", ") + "}\n}\n")
	return b.String()
}

// suffix returns the part of a constant's name that stands for its value.
func (g *generator) suffix(word string) string {
	switch {
	case len(words(word)) == 0:
		return "Empty"
	case strings.HasPrefix(word, "-"):
		return "Minus" + strings.TrimPrefix(g.suffix(word[1:]), "X")
	}
	name := exported(word, g.config.Initialisms)
	if c := word[0]; c >= '0' && c <= '9' {
		name = strings.TrimPrefix(name, "X") // behind a type's name a digit may stand
	}
	return name
}
