package rabbitmq

import "strings"

// matches reports whether a routing key is one of the patterns' as a topic exchange sees it; no pattern means all.
func matches(patterns []string, key string) bool {
	if len(patterns) == 0 {
		return true
	}
	words := strings.Split(key, ".")
	for _, p := range patterns {
		if match(strings.Split(p, "."), words) {
			return true
		}
	}
	return false
}

func match(pattern, words []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "#" {
			return matchRest(pattern[1:], words)
		}
		if len(words) == 0 || pattern[0] != "*" && pattern[0] != words[0] {
			return false
		}
		pattern, words = pattern[1:], words[1:]
	}
	return len(words) == 0
}

// matchRest matches behind a "#", which stands for any number of words.
func matchRest(pattern, words []string) bool {
	for i := range len(words) + 1 {
		if match(pattern, words[i:]) {
			return true
		}
	}
	return false
}
