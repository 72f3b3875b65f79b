package config

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// entry is one key of a map with its value.
type entry struct {
	name  string
	line  int
	value *yaml.Node
}

// entries returns the keys of a map: its own, then those of the maps that << merges into it and that it has not itself, as YAML's merge
// key type defines it. Two equal keys of its own are a problem.
func (r *reader) entries(path string, y *yaml.Node, depth int) []entry {
	var out []entry
	var merged []*yaml.Node
	lines := map[string]int{}
	if !r.count(path, y, len(y.Content)/2) {
		return nil
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			r.problems.add(r.at(k.Line), path, "a key must be text")
			continue
		}
		if k.ShortTag() == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if first, ok := lines[k.Value]; ok {
			r.problems.add(r.at(k.Line), join(path, k.Value), "given twice, first in line %d", first)
			continue
		}
		lines[k.Value] = k.Line
		out = append(out, entry{k.Value, k.Line, v})
	}
	for _, m := range merged {
		out = r.merged(out, lines, path, m, depth)
	}
	return out
}

// merged adds what << brings.
func (r *reader) merged(out []entry, lines map[string]int, path string, m *yaml.Node, depth int) []entry {
	m, ok := r.enter(path, m, depth+1)
	if !ok {
		return out
	}
	if m.Kind == yaml.SequenceNode {
		for _, c := range m.Content {
			out = r.merged(out, lines, path, c, depth+1)
		}
		return out
	}
	if m.Kind != yaml.MappingNode {
		r.problems.add(r.at(m.Line), path, "<< takes a map or a list of maps")
		return out
	}
	for _, e := range r.entries(path, m, depth+1) {
		if _, ok := lines[e.name]; ok {
			continue
		}
		lines[e.name] = e.line
		out = append(out, e)
	}
	return out
}

func isNull(y *yaml.Node) bool { return y.Kind == yaml.ScalarNode && y.ShortTag() == "!!null" }

// found says what stands where something else was expected. It repeats no secret, no URL, and nothing that a variable stands for.
func found(k *key, y *yaml.Node, isExpanded bool) string {
	switch {
	case y.Kind == yaml.MappingNode:
		return "a map"
	case y.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(y):
		return "nothing"
	case isExpanded:
		return "something else in " + strings.Join(variablesIn(y.Value), " ")
	}
	what := "text"
	switch y.ShortTag() {
	case "!!int", "!!float":
		what = "a number"
	case "!!bool":
		what = "true or false"
	}
	if k.secret || k.url || !k.isLeaf() || k.kind == list {
		return what
	}
	return shown(y.Value)
}

// variablesIn returns the ${NAME}s of a text, without their defaults.
func variablesIn(s string) []string {
	_, names, _ := expand(s, func(string) (string, bool) { return "", true })
	for i, n := range names {
		names[i] = "${" + n + "}"
	}
	return names
}

// takes reports whether a value can be one of the key's by its tag, which is YAML's idea of what it is. A time is text to Herald, and to
// YAML a number is a float when it is too large for 64 bits.
func (k *key) takes(y *yaml.Node) bool {
	tag := y.ShortTag()
	isText := tag == "!!str" || tag == "!!timestamp"
	switch k.kind {
	case whole:
		return tag == "!!int" || tag == "!!float" || isText && k.word != "" && y.Value == k.word
	case flag:
		return tag == "!!bool"
	default:
		return isText
	}
}

// hint says how to write what YAML took for something else.
func (k *key) hint(y *yaml.Node) string {
	tag := y.ShortTag()
	if (tag == "!!int" || tag == "!!float") && k.kind == duration {
		return ", which has no unit"
	}
	isOther := tag == "!!int" || tag == "!!float" || tag == "!!bool"
	if isOther && (k.kind == text || k.kind == name) {
		return ", which is no text without quotes"
	}
	return ""
}
