package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// variableName is what POSIX calls a name (XBD 3.216), which is what shells can set.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// unsetError tells of a variable that is not set. It counts only where no later layer gives the key another value.
type unsetError struct{ name string }

func (e unsetError) Error() string {
	return fmt.Sprintf("the environment variable %s is not set; set it, or write ${%s:-default}", e.name, e.name)
}

// expand replaces ${NAME} by the variable's value, and ${NAME:-default} by the default when the variable is unset or empty, as the shell
// does. $${ is a literal ${. Values and defaults are not expanded again. It returns the names that it met. Errors name variables and
// nothing else.
func expand(s string, lookup func(string) (string, bool)) (string, []string, error) {
	var out strings.Builder
	var names []string
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			out.WriteString(s)
			return out.String(), names, nil
		}
		if i > 0 && s[i-1] == '$' {
			out.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		out.WriteString(s[:i])
		inside, rest, ok := strings.Cut(s[i+2:], "}")
		if !ok {
			return "", names, errors.New("${ without }; write $${ for the characters themselves")
		}
		name, otherwise, hasDefault := strings.Cut(inside, ":-")
		if !variableName.MatchString(name) || strings.Contains(otherwise, "${") {
			return "", names, errors.New("between ${ and } stands the name of a variable, or NAME:-default; write $${ for the characters themselves")
		}
		names = append(names, name)
		value, isSet := lookup(name)
		switch {
		case hasDefault && value == "":
			value = otherwise
		case !isSet:
			return "", names, unsetError{name}
		}
		out.WriteString(value)
		s = rest
	}
}
