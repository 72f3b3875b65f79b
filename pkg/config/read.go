package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds of one file. Aliases count each time that they are used, so that a small file can't stand for a large one.
const (
	maxBytes = 1 << 20
	maxNodes = 100_000
	maxDepth = 32
)

// reader turns one YAML text into a tree of checked values.
type reader struct {
	source    string
	isProgram bool
	lookup    func(string) (string, bool)
	problems  problems
	warnings  []string
	nodes     int
	isBroken  bool // the text was not understood as a whole
}

// read returns the tree, which lacks what is wrong.
func (r *reader) read(data []byte) *node {
	root := newSection(file)
	document := r.parse(data)
	if document == nil || isNull(document) {
		return root
	}
	if n := r.node("", file, document, 0); n != nil {
		return n
	}
	return root
}

// parse returns the root of the one document of data; nil when there is none.
func (r *reader) parse(data []byte) *yaml.Node {
	r.isBroken = true
	if len(data) > maxBytes {
		r.problems.add(r.at(0), "", "larger than %d bytes", maxBytes)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		r.isBroken = !errors.Is(err, io.EOF) // nothing but comments is no mistake
		r.syntax(err)
		return nil
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			r.syntax(err)
			return nil
		}
		r.problems.add(r.at(second.Line), "", "a second document begins here: a file holds one, and Load takes several files")
		return nil
	}
	r.isBroken = false
	if len(document.Content) != 1 {
		return nil
	}
	return document.Content[0]
}

// syntax tells what the YAML library says. Its texts do not repeat what the file holds, but for the name of an anchor.
func (r *reader) syntax(err error) {
	if errors.Is(err, io.EOF) {
		return
	}
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		r.problems.add(r.at(0), "", "not YAML")
		return
	}
	message := load.Message
	if strings.HasPrefix(message, "unknown anchor") {
		message = "* stands for an anchor that is not there; quote text that begins with *"
	}
	r.problems.add(r.at(load.Mark.Line), "", "not YAML: %s", message)
}

func (r *reader) at(line int) origin {
	return origin{file: r.source, line: line, isProgram: r.isProgram}
}

// node reads what stands at a key. It returns nil when there is nothing to keep.
func (r *reader) node(path string, k *key, y *yaml.Node, depth int) *node {
	y, ok := r.enter(path, y, depth)
	if !ok {
		return nil
	}
	switch {
	case k.kind == list:
		return r.list(path, k, y, depth)
	case k.isLeaf():
		return r.leaf(path, k, y)
	case y.Kind != yaml.MappingNode && !isNull(y):
		r.problems.add(r.at(y.Line), path, "expected %s, found %s", k.expects(), found(k, y, false))
		return nil
	}
	n := newSection(k)
	n.from = r.at(y.Line)
	for _, e := range r.entries(path, y, depth) {
		r.entry(n, path, e, depth)
	}
	return n
}

// enter follows aliases and counts what was visited.
func (r *reader) enter(path string, y *yaml.Node, depth int) (*yaml.Node, bool) {
	for y.Kind == yaml.AliasNode && y.Alias != nil {
		y = y.Alias
	}
	if !r.count(path, y, 1) {
		return y, false
	}
	if depth > maxDepth {
		r.problems.add(r.at(y.Line), path, "more than %d levels", maxDepth)
		return y, false
	}
	return y, true
}

// count counts n more values; false when there are too many.
func (r *reader) count(path string, y *yaml.Node, n int) bool {
	if r.nodes <= maxNodes && r.nodes+n > maxNodes {
		r.problems.add(r.at(y.Line), path, "more than %d values", maxNodes)
	}
	r.nodes += n
	return r.nodes <= maxNodes
}

// entry reads one key of a map into n.
func (r *reader) entry(n *node, path string, e entry, depth int) {
	below := join(path, e.name)
	isNamed := n.key.kind == named
	if strings.HasPrefix(e.name, "x-") {
		if isNamed {
			r.warnings = append(r.warnings, fmt.Sprintf("%s:%d: %s: ignored, because it begins with x-", shown(r.source), e.line, below))
		}
		return
	}
	k := n.key.each
	if !isNamed {
		k = n.key.child(e.name)
	}
	if k == nil {
		known := childNames(n.key)
		if len(r.problems) >= maxProblems { // the text is not shown any more, and finding what is meant costs more than reading
			known = nil
		}
		r.problems.add(r.at(e.line), below, "%s", unknown("key", e.name, known))
		return
	}
	if isNamed && !validName(e.name) {
		r.problems.add(r.at(e.line), below, "expected %s", (&key{kind: name}).expects())
		return
	}
	if child := r.node(below, k, e.value, depth+1); child != nil {
		n.children[e.name] = child
	}
}

func childNames(k *key) []string {
	var names []string
	for _, c := range k.keys {
		names = append(names, c.name)
	}
	return names
}

// list reads a list; one bad value makes it bad.
func (r *reader) list(path string, k *key, y *yaml.Node, depth int) *node {
	n := &node{key: k, from: r.at(y.Line), items: []string{}}
	if y.Kind != yaml.SequenceNode {
		r.problems.add(n.from, path, "expected %s, found %s", k.expects(), found(k, y, false))
		n.isBad = true
		return n
	}
	for i, c := range y.Content {
		c, ok := r.enter(path, c, depth+1)
		if !ok {
			n.isBad = true
			break
		}
		item := r.leaf(fmt.Sprintf("%s[%d]", path, i), k.item, c)
		n.isBad = n.isBad || item.isBad
		n.unset = cmp.Or(n.unset, item.unset)
		n.items = append(n.items, item.items...)
		n.from.expanded = append(n.from.expanded, item.from.expanded...)
	}
	return n
}

// leaf reads one value.
func (r *reader) leaf(path string, k *key, y *yaml.Node) *node {
	n := &node{key: k, from: r.at(y.Line)}
	if y.Kind != yaml.ScalarNode || isNull(y) {
		r.problems.add(n.from, path, "expected %s, found %s", k.expects(), found(k, y, false))
		n.isBad = true
		return n
	}
	value, names, err := expand(y.Value, r.lookup)
	n.from.expanded = names
	if err != nil {
		n.isBad = true
		var unset unsetError
		if errors.As(err, &unset) {
			n.unset = problem(n.from, path, "%w", unset)
			return n
		}
		r.problems.add(n.from, path, "%w", err)
		return n
	}
	hidden := len(names) > 0
	if !hidden && !k.takes(y) {
		r.problems.add(n.from, path, "expected %s, found %s%s", k.expects(), found(k, y, false), k.hint(y))
		n.isBad = true
		return n
	}
	if value, err = k.check(value); err != nil {
		r.problems.add(n.from, path, "%w, found %s", err, found(k, y, hidden))
		n.isBad = true
		return n
	}
	n.items = []string{value}
	return n
}

func join(path, name string) string {
	if path == "" {
		return shown(name)
	}
	return path + "." + shown(name)
}
