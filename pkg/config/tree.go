package config

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// origin says where a value comes from. The zero value is the default.
type origin struct {
	file      string // the file, or "code"
	line      int
	variable  string   // the HERALD_ variable
	secret    string   // the file that held it
	expanded  []string // the names within ${}
	isProgram bool     // the code layer
}

// String returns the origin as the effective configuration shows it.
func (o origin) String() string {
	switch {
	case o.secret != "":
		return "secret file " + shown(o.secret)
	case o.variable != "":
		return "environment " + o.variable
	case o.file == "":
		return "default"
	}
	at := "code"
	if !o.isProgram {
		at = shown(o.file) + ":" + strconv.Itoa(o.line)
	}
	for _, v := range o.expanded {
		at += " ${" + v + "}"
	}
	return at
}

// node is a value that was given, or a map of them. Values are kept as text that the key's check has passed.
type node struct {
	key      *key
	from     origin
	items    []string // one for anything but a list
	isBad    bool     // there is a value, and an error tells what is wrong with it
	unset    *Error   // the variable that the value needs and that is not set
	children map[string]*node
}

func newSection(k *key) *node { return &node{key: k, children: make(map[string]*node)} }

// at returns the node under a path, or nil. It works on nil.
func (n *node) at(path ...string) *node {
	for _, p := range path {
		if n == nil {
			return nil
		}
		n = n.children[p]
	}
	return n
}

// names returns the names of a map's children, sorted.
func (n *node) names() []string {
	if n == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(n.children))
}

// merge lays over on top of n: maps key by key, anything else as a whole.
func (n *node) merge(over *node) {
	for name, theirs := range over.children {
		mine := n.children[name]
		if mine == nil || theirs.key.isLeaf() {
			n.children[name] = theirs
			continue
		}
		mine.merge(theirs)
	}
}

// set puts a leaf under a path, making the maps on its way.
func (n *node) set(path []string, leaf *node) {
	for _, p := range path[:len(path)-1] {
		next := n.children[p]
		if next == nil {
			next = newSection(n.key.child(p))
			n.children[p] = next
		}
		n = next
	}
	n.children[path[len(path)-1]] = leaf
}

// unsets returns what the values that count are missing.
func (n *node) unsets() []*Error {
	if n.unset != nil {
		return []*Error{n.unset}
	}
	var out []*Error
	for _, name := range n.names() {
		out = append(out, n.children[name].unsets()...)
	}
	return out
}

// value returns the text of a child; false when it is not given.
func (n *node) value(path ...string) (string, bool) {
	c := n.at(path...)
	if c == nil || c.isBad || len(c.items) != 1 {
		return "", false
	}
	return c.items[0], true
}

// number returns a child's whole number; false when it is not given, or is the word that stands for none.
func (n *node) number(path ...string) (int64, bool) {
	s, ok := n.value(path...)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// span returns a child's duration; false when it is not given, or is the word that stands for none.
func (n *node) span(path ...string) (time.Duration, bool) {
	s, ok := n.value(path...)
	if !ok {
		return 0, false
	}
	v, err := time.ParseDuration(s)
	return v, err == nil
}

// spans returns a child's list of durations; nil when it is not given.
func (n *node) spans(path ...string) []time.Duration {
	c := n.at(path...)
	if c == nil || c.isBad {
		return nil
	}
	out := make([]time.Duration, 0, len(c.items))
	for _, s := range c.items {
		d, _ := time.ParseDuration(s) // checked when it was read
		out = append(out, d)
	}
	return out
}

// list returns a child's list; false when it is not given.
func (n *node) list(path ...string) ([]string, bool) {
	c := n.at(path...)
	if c == nil || c.isBad {
		return nil, false
	}
	return slices.Clone(c.items), true
}

// shown makes a name or a value fit for one line of an error or a comment.
func shown(s string) string {
	const most = 80
	cut := strings.ToValidUTF8(s, "\uFFFD")
	if len(cut) > most {
		cut = strings.ToValidUTF8(cut[:most], "") + "…"
	}
	if strings.ContainsFunc(cut, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(cut)
	}
	return cmp.Or(cut, `""`)
}
