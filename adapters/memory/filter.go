package memory

import "strings"

// filterCache is how many types a filter remembers; a topic with more of them is matched anew each time.
const filterCache = 1024

// filter is a group's type filter. The topic's lock guards it.
type filter struct {
	patterns []string
	known    map[string]bool
}

func newFilter(patterns []string) filter {
	f := filter{patterns: append([]string(nil), patterns...)}
	if len(patterns) > 0 {
		f.known = make(map[string]bool)
	}
	return f
}

// all reports whether everything matches.
func (f *filter) all() bool { return len(f.patterns) == 0 }

// match reports whether a type passes. A message without a native type passes: its type may stand in its body.
func (f *filter) match(typ string) bool {
	if f.all() || typ == "" {
		return true
	}
	if pass, ok := f.known[typ]; ok {
		return pass
	}
	pass := false
	for _, p := range f.patterns {
		if matches(p, typ) {
			pass = true
			break
		}
	}
	if len(f.known) < filterCache {
		f.known[typ] = pass
	}
	return pass
}

// matches reports whether a type matches one pattern: words between dots, * for one word, # for any number of words.
func matches(pattern, typ string) bool {
	return matchWords(strings.Split(pattern, "."), strings.Split(typ, "."))
}

func matchWords(pattern, words []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "#" {
			return matchRest(pattern[1:], words)
		}
		if len(words) == 0 || (pattern[0] != "*" && pattern[0] != words[0]) {
			return false
		}
		pattern, words = pattern[1:], words[1:]
	}
	return len(words) == 0
}

// matchRest reports whether the pattern matches after leaving out any number of words.
func matchRest(pattern, words []string) bool {
	if len(pattern) == 0 {
		return true
	}
	for i := range len(words) + 1 {
		if matchWords(pattern, words[i:]) {
			return true
		}
	}
	return false
}
