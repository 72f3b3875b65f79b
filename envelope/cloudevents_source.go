package envelope

import (
	"net/url"
	"strings"
)

// sourceReference returns what stands for the source as a URI-reference.
func sourceReference(source string) string {
	switch {
	case source == "":
		return CloudEventsNoSource
	case uriReference(source):
		return source
	}
	return percentEncodedPath(source)
}

// sourceText returns the source where sourceReference doesn't read back as it.
func sourceText(source string) string {
	if source == "" || source != CloudEventsNoSource && uriReference(source) {
		return ""
	}
	return source
}

// uriReference reports whether s is a URI-reference (RFC 3986, section 4.1).
func uriReference(s string) bool {
	plain := s != "" && !strings.HasPrefix(s, "//")
	for i := range len(s) {
		switch c := s[i]; {
		case unreserved(c) || c == '/':
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) && hexDigit(s[i+2]), strings.IndexByte(":?#[]@!$&'()*+,;=", c) >= 0:
			plain = false
		default:
			return false
		}
	}
	// A name, or a path of them, is the usual source.
	if plain || s == "" {
		return plain
	}
	u, err := url.Parse(s)
	if err != nil || strings.Count(s, "#") > 1 {
		return false
	}
	// Brackets belong around an IP address only; url.Parse takes them anywhere.
	brackets := strings.Count(s, "[") + strings.Count(s, "]")
	return brackets == strings.Count(u.Host, "[")+strings.Count(u.Host, "]")
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// absoluteURI reports whether s is a URI with a scheme.
func absoluteURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	return ok && rest != "" && scheme != "" && !strings.ContainsAny(scheme, "/?#") && uriReference(s)
}

// percentEncodedPath writes any text as a relative path.
func percentEncodedPath(s string) string {
	b := make([]byte, 0, len(s)+len(s)/2)
	for i := range len(s) {
		c := s[i]
		// What begins with // would name a host.
		if unreserved(c) || c == '/' && (i != 1 || s[0] != '/') {
			b = append(b, c)
			continue
		}
		b = append(b, '%', upperHex[c>>4], upperHex[c&0xf])
	}
	return string(b)
}

// unreserved reports whether RFC 3986, section 2.3, has the character.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
