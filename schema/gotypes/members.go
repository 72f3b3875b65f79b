package gotypes

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// member is a field that encoding/json writes, under the name that it writes.
type member struct {
	goField
	json       string
	isTagged   bool
	isOmitted  bool // omitempty or omitzero
	isString   bool // the option "string"
	isOptional bool // behind an embedded pointer
	index      []int
	options    []option
}

// members returns what encoding/json writes of a struct: fields of embedded structs where they are promoted, the shallowest of a name, among
// those the tagged one, and none where two are left. One that takes the additional properties is returned apart.
func membersOf(t goType) (list []member, additional *member, err error) {
	c := collector{}
	if err := c.collect(t, nil, false, nil); err != nil {
		return nil, nil, err
	}
	byName := make(map[string][]member)
	for _, m := range c.found {
		byName[m.json] = append(byName[m.json], m)
	}
	for _, m := range c.found {
		if winner, ok := dominant(byName[m.json]); ok && slices.Equal(winner.index, m.index) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b member) int { return slices.Compare(a.index, b.index) })
	return list, c.additional, nil
}

// dominant is the rule of encoding/json for fields of one name.
func dominant(of []member) (member, bool) {
	slices.SortStableFunc(of, func(a, b member) int {
		switch {
		case len(a.index) != len(b.index):
			return len(a.index) - len(b.index)
		case a.isTagged != b.isTagged && a.isTagged:
			return -1
		case a.isTagged != b.isTagged:
			return 1
		}
		return 0
	})
	if len(of) > 1 && len(of[0].index) == len(of[1].index) && of[0].isTagged == of[1].isTagged {
		return member{}, false
	}
	return of[0], true
}

// collector walks through embedded structs.
type collector struct {
	found      []member
	additional *member
}

func (c *collector) collect(t goType, index []int, isOptional bool, trail []any) error {
	trail = append(slices.Clone(trail), t.id())
	for i, f := range t.fields() {
		m := member{goField: f, isOptional: isOptional, index: append(slices.Clone(index), i)}
		inner, isPointer := f.typ, false
		if f.isEmbedded && inner.kind() == reflect.Pointer {
			inner, isPointer = inner.elem(), true
		}
		if !f.isExported && (!f.isEmbedded || inner.kind() != reflect.Struct) {
			continue
		}
		isMember, err := m.readTags()
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		switch {
		case has(m.options, "additionalProperties"):
			if f.typ.kind() != reflect.Map || isMember {
				return fmt.Errorf(`%s: additionalProperties is for a map with json:"-"`, f.name)
			}
			c.additional = &m
		case !isMember:
		case f.isEmbedded && !m.isTagged && inner.kind() == reflect.Struct:
			if slices.Contains(trail, inner.id()) {
				continue
			}
			if err := c.collect(inner, m.index, isOptional || isPointer, trail); err != nil {
				return err
			}
		default:
			c.found = append(c.found, m)
		}
	}
	return nil
}

// readTags reads the field's `json` and `schema` tags; false when encoding/json leaves the field out.
func (m *member) readTags() (bool, error) {
	options, err := splitTag(m.tag.Get("schema"))
	if err != nil {
		return false, fmt.Errorf("schema tag: %w", err)
	}
	m.options = options
	tag := m.tag.Get("json")
	if tag == "-" {
		return false, nil
	}
	name, rest, _ := strings.Cut(tag, ",")
	m.json, m.isTagged = m.name, false
	if name != "" && isName(name) {
		m.json, m.isTagged = name, true
	}
	for o := range strings.SplitSeq(rest, ",") {
		switch o {
		case "omitempty", "omitzero":
			m.isOmitted = true
		case "string":
			m.isString = true
		}
	}
	if has(options, "required") && has(options, "optional") {
		return false, errors.New("schema tag: required and optional")
	}
	return true, nil
}

// isName is the rule of encoding/json for names in tags.
func isName(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// isRequired says whether every value has the member.
func (m *member) isRequired() bool {
	switch {
	case has(m.options, "required"):
		return true
	case has(m.options, "optional"):
		return false
	}
	return !m.isOmitted && !m.isOptional
}
