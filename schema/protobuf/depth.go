package protobuf

import "strings"

// maxLevels is how many levels of braces, brackets and parentheses a file may have.
const maxLevels = 64

// depth returns how deep the brackets of a file are nested, comments and strings apart.
func depth(text string) int {
	deepest, now := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\'':
			i = endOfString(text, i)
		case '/':
			i = endOfComment(text, i)
		case '{', '[', '(', '<':
			now++
			deepest = max(deepest, now)
		case '}', ']', ')', '>':
			now--
		}
	}
	return deepest
}

// endOfString returns where the string that begins at i ends.
func endOfString(text string, i int) int {
	quote := text[i]
	for i++; i < len(text) && text[i] != quote && text[i] != '\n'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// endOfComment returns the last byte of the comment that begins at i, or i when none does.
func endOfComment(text string, i int) int {
	rest := text[i:]
	end := ""
	switch {
	case strings.HasPrefix(rest, "//"):
		end = "\n"
	case strings.HasPrefix(rest, "/*"):
		end = "*/"
	default:
		return i
	}
	n := strings.Index(rest[2:], end)
	if n < 0 {
		return len(text)
	}
	return i + 2 + n + len(end) - 1
}
