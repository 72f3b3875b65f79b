package gotypes

import (
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// structure writes a struct, and its methods where it takes properties of any name.
func (g *generator) structure(n *outline.Node, name, doc string) string {
	g.busy[n] = true
	defer delete(g.busy, n)
	var fields strings.Builder
	names := scope{"MarshalJSON": true, "UnmarshalJSON": true}
	var left, known []string
	for _, p := range n.Properties {
		known = append(known, p.Name)
		if !isName(p.Name) || p.Name == "" {
			left = append(left, strconv.Quote(p.Name))
			continue
		}
		fields.WriteString(g.field(&p, name, names.take(exported(p.Name, g.config.Initialisms))))
	}
	if len(left) > 0 {
		doc += "\n\nNo field of Go can have these names: " + strings.Join(left, ", ") + "."
	}
	for _, note := range unsaid(n) {
		doc += "\n\n" + note
	}
	methods := ""
	if n.Elem != nil && !n.Closed {
		extra := names.take("Additional")
		elem := g.value(n.Elem, name+"Value")
		expr := elem.expr
		if isNullable(n.Elem) && !elem.isNilable {
			expr = "*" + expr
		}
		fields.WriteString("\n" + comment(extra+" holds the members of other names."+elem.note(), "\t"))
		fields.WriteString(extra + " map[string]" + expr + " `json:\"-\" schema:\"additionalProperties\"`\n")
		methods = "\n" + g.additional(name, extra, expr, known)
	}
	return comment(doc, "") + "type " + name + " struct {\n" + fields.String() + "}\n" + methods
}

// field writes one field.
func (g *generator) field(p *outline.Property, owner, name string) string {
	v := g.value(p.Node, owner+name)
	isNull := isNullable(p.Node)
	expr := v.expr
	if !v.isNilable && (isNull || v.isBusy || !p.Required && !g.isAvro) {
		expr = "*" + expr
	}
	options := g.options(p.Node, &v)
	tag := p.Name
	isReference := v.isNilable || strings.HasPrefix(expr, "*")
	switch {
	case g.isAvro: // Avro writes every field
	case !p.Required && isNull:
		options = append(options, option{name: "nullable"})
		fallthrough
	case !p.Required:
		tag += map[bool]string{true: ",omitzero", false: ",omitempty"}[v.isNilable]
	case !isNull && isReference && !v.isRaw:
		options = append(options, option{name: "notnull"})
	}
	words := p.Node.Description
	if words == "" && p.Node.Kind == outline.Ref && !v.isStruct && !isEnumeration(p.Node.Resolve()) {
		words = p.Node.Resolve().Description
	}
	if words == "" {
		words = p.Node.Title
	}
	if p.Node.Deprecated {
		options = append(options, option{name: "deprecated"})
	}
	doc := deprecated(strings.TrimSpace(words+v.note()), p.Node.Deprecated)
	return comment(doc, "\t") + name + " " + expr + " " + g.tag(tag, p.Name, options) + "\n"
}

// tag writes a field's tag.
func (g *generator) tag(json, name string, options []option) string {
	text := "json:" + strconv.Quote(json)
	if g.isAvro {
		text = "avro:" + strconv.Quote(name) + " " + text
	} else if len(options) > 0 {
		text += " schema:" + strconv.Quote(joinTag(options))
	}
	if strings.ContainsRune(text, '`') || !strconv.CanBackquote(text) {
		return strconv.Quote(text)
	}
	return "`" + text + "`"
}

func joinTag(options []option) string {
	parts := make([]string, 0, len(options))
	for _, o := range options {
		if o.value == "" && !needsValue(o.name) {
			parts = append(parts, o.name)
			continue
		}
		parts = append(parts, o.name+"="+quoteTag(o.value))
	}
	return strings.Join(parts, ",")
}

// needsValue reports whether an option without a value would mean something else.
func needsValue(name string) bool {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "const", "default", "example", "enum", "pattern", "format":
		return true
	}
	return false
}

// comment writes a text as a comment, or nothing.
func comment(text, indent string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r", ""), "\n") {
		for _, part := range wrap(strings.TrimRight(line, " \t"), 110) {
			b.WriteString(strings.TrimRight(indent+"// "+part, " ") + "\n")
		}
	}
	return b.String()
}

// wrap breaks a line at spaces.
func wrap(line string, width int) []string {
	if len(line) <= width {
		return []string{line}
	}
	var out []string
	for _, word := range strings.Fields(line) {
		if last := len(out) - 1; last >= 0 && len(out[last])+1+len(word) <= width {
			out[last] += " " + word
			continue
		}
		out = append(out, word)
	}
	return out
}

// deprecated adds the paragraph that Go's tools know.
func deprecated(doc string, isDeprecated bool) string {
	if !isDeprecated || strings.Contains(doc, "Deprecated:") {
		return doc
	}
	return strings.TrimSpace(doc + "\n\nDeprecated: the schema says so.")
}
