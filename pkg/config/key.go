package config

import (
	"fmt"
	"strings"
	"time"
)

// kind is what a key's value must be.
type kind uint8

const (
	text     kind = iota // any text that is not empty
	name                 // the name of a topic, a group or a service
	choice               // one of key.values
	whole                // a whole number between key.min and key.max
	duration             // a duration between key.min and key.max nanoseconds
	flag                 // true or false
	start                // where a group begins
	pattern              // a pattern of event types
	list                 // any number of key.item
	section              // a map with key.keys
	named                // a map with names of the user's own, each of which is key.each
)

// Bounds that are not a rule of Herald's but of Go's int on every platform and of JSON's numbers.
const (
	mostInt   = 1<<31 - 1
	mostCount = 1 << 53
)

// key is one key of the file: the one table from which files and variables are checked, and the schema, the table of the documentation and
// the effective configuration are written.
type key struct {
	name     string
	kind     kind
	values   []string
	min, max int64  // a max of 0 is mostCount for numbers, none for durations
	word     string // what may be written instead of a number or a duration
	secret   bool   // never shown
	url      bool   // shown without its password
	fallback string // the default as it is written in a file; empty without one
	derived  func(siblings *node) string
	item     *key
	each     *key
	keys     []*key
	doc      string
}

// child returns the key of that name in a section.
func (k *key) child(name string) *key {
	for _, c := range k.keys {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (k *key) isLeaf() bool { return k.kind != section && k.kind != named }

// most is the highest number that the key takes.
func (k *key) most() int64 {
	if k.max == 0 {
		return mostCount
	}
	return k.max
}

// expects says in words what the value must be.
func (k *key) expects() string {
	switch k.kind {
	case text:
		if k.url {
			return "a URL"
		}
		return "text that is not empty"
	case name:
		return "a name: words of letters, digits, _ and - joined by single dots, at most 100 characters"
	case choice:
		return oneOf(k.values)
	case whole:
		return k.expectsWhole() + k.orWord()
	case duration:
		return k.expectsDuration() + k.orWord()
	case flag:
		return "true or false"
	case start:
		return "oldest, newest, an RFC 3339 time, or after: and a position"
	case pattern:
		return "an event type, in which * stands for one word between dots and # for any number"
	case list:
		return "a list, each " + k.item.expects()
	case section:
		return "a map of keys"
	default:
		return "a map of names"
	}
}

func (k *key) expectsWhole() string {
	if k.most() < mostInt {
		return fmt.Sprintf("a whole number between %d and %d", k.min, k.max)
	}
	return fmt.Sprintf("a whole number of %d or more", k.min)
}

func (k *key) expectsDuration() string {
	switch {
	case k.max > 0:
		return fmt.Sprintf("a duration between %v and %v, such as 500ms", time.Duration(k.min), time.Duration(k.max))
	case k.min > 0:
		return "a duration of more than 0, such as 30s"
	default:
		return "a duration of 0 or more, such as 30s"
	}
}

func (k *key) orWord() string {
	if k.word == "" {
		return ""
	}
	return ", or " + k.word
}

func oneOf(values []string) string {
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
}
