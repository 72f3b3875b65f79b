package jsonschema

// size is what a JSON text asks of those who read it.
type size struct {
	depth  int  // levels of arrays and objects
	nodes  int  // values and members' names
	number bool // one of its numbers is over the bounds
}

// Bounds of numbers. The library computes with fractions of any size; these hold every float64 with room.
const (
	maxNumber   = 400
	maxExponent = 400
)

// measure goes over a text once. It does not check it: of what is no JSON it returns something.
func measure(text []byte) size {
	s := size{nodes: 1}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			i = endOfString(text, i)
		case c == '{' || c == '[':
			depth++
			s.nodes++
			s.depth = max(s.depth, depth)
		case c == '}' || c == ']':
			depth--
		case c == ',' || c == ':':
			s.nodes++
		case c == '-' || c >= '0' && c <= '9':
			var isOver bool
			i, isOver = endOfNumber(text, i)
			s.number = s.number || isOver
		}
	}
	return s
}

// endOfString returns where the string that begins at i ends.
func endOfString(text []byte, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// endOfNumber returns the last byte of the number that begins at i, and whether it is over the bounds.
func endOfNumber(text []byte, i int) (int, bool) {
	start, exponent, inExponent := i, 0, false
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if inExponent && exponent <= maxExponent {
				exponent = exponent*10 + int(c-'0')
			}
		case c == 'e' || c == 'E':
			inExponent = true
		case c != '+' && c != '-' && c != '.':
			return i - 1, i-start > maxNumber || exponent > maxExponent
		}
	}
	return i - 1, i-start > maxNumber || exponent > maxExponent
}
