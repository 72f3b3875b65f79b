package envelope

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxExtension is how long the names of attributes should be at most
// (CloudEvents 1.0.2, naming conventions).
const maxExtension = 20

// extensionName reports whether the name is one for an extension attribute
// that has no other meaning.
func extensionName(name string) bool {
	return attributeName(name) && cloudEventOf(name) == ceExtension && name != "data"
}

// attributeName reports whether the name matches [a-z0-9]{1,20}.
func attributeName(name string) bool {
	if name == "" || len(name) > maxExtension {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// userKey is the user header of an extension attribute with this name.
func userKey(name string) string {
	if attributeName(name) {
		return name
	}
	return cloudEventsPrefix + name
}

// userKeySize is the length of userKey, without making it.
func userKeySize(name string) int {
	if attributeName(name) {
		return len(name)
	}
	return len(cloudEventsPrefix) + len(name)
}

// extensionOf is the reverse of userKey: the name of the attribute that is
// read as this user header.
func extensionOf(key string) (name string, ok bool) {
	if extensionName(key) {
		return key, true
	}
	name, ok = strings.CutPrefix(key, cloudEventsPrefix)
	return name, ok && name != "" && !attributeName(name) && name != "data_base64"
}

// attributeValue reports whether the value is a String of CloudEvents: UTF-8
// without control characters, C1 ones too, and without noncharacters.
func attributeValue(s string) bool {
	all := byte(0xff)
	for i := range len(s) {
		all &= class[s[i]]
	}
	if all&inText == 0 || all&inASCII != 0 {
		return all&inText != 0
	}
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if c >= 0x80 && c <= 0x9f || c >= 0xfdd0 && c <= 0xfdef || c&0xfffe == 0xfffe {
			return false
		}
	}
	return true
}

// appendExtensions appends the user's headers as extension attributes where
// they can be, else as they are, else in heraldheaders.
func appendExtensions(hs []Header, user Headers) ([]Header, error) {
	list, size := false, 0
	for i := range user {
		key, value := user[i].Key, user[i].Value
		if ownHeader(key) && !extensionName(key) {
			return nil, headerError(key, "expected a key that is not reserved")
		}
		if binaryPlace(key, value) == placeExtension {
			size += len(cloudEventsPrefix) + len(key)
		}
		list = list || binaryPlace(key, value) == placeList
	}
	if list {
		text := listHeaders(user, func(h Header) bool { return binaryPlace(h.Key, h.Value) == placeList })
		hs = append(hs, Header{cloudEventHeaders[ceHeraldHeaders], text})
	}
	// One string holds all the keys, so that they cost one allocation.
	var keys strings.Builder
	keys.Grow(size)
	for i := range user {
		switch h := user[i]; binaryPlace(h.Key, h.Value) {
		case placeHeader:
			hs = append(hs, h)
		case placeExtension:
			from := keys.Len()
			keys.WriteString(cloudEventsPrefix)
			keys.WriteString(h.Key)
			hs = append(hs, Header{keys.String()[from:], h.Value})
		}
	}
	return hs, nil
}

// place is where a user header is written.
type place uint8

const (
	placeList      place = iota // in heraldheaders
	placeHeader                 // a header as it is
	placeExtension              // a header with the prefix
)

func binaryPlace(key, value string) place {
	if extensionName(key) {
		if attributeValue(value) {
			return placeExtension
		}
		if !ownHeader(key) {
			return placeHeader
		}
		return placeList
	}
	if prefix, _ := cutPrefix(key); prefix != noPrefix {
		if _, ok := extensionOf(key); ok {
			return placeHeader
		}
		return placeList
	}
	if isContentType(key) {
		return placeList
	}
	return placeHeader
}

// listHeaders writes headers as heraldheaders: comma separated, in their
// order, key=value where the header is in the list only, and the key alone
// where it stands elsewhere.
func listHeaders(hs Headers, only func(Header) bool) string {
	var b []byte
	for i := range hs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPercent(b, hs[i].Key)
		if only(hs[i]) {
			b = append(b, '=')
			b = appendPercent(b, hs[i].Value)
		}
	}
	return string(b)
}

// appendPercent appends the text, percent-encoded where it is not plain ASCII
// or means something in a list.
func appendPercent(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || c == '%' || c == ',' || c == '=' || c == '"' || c == '\\' {
			b = append(b, '%', upperHex[c>>4], upperHex[c&0xf])
			continue
		}
		b = append(b, c)
	}
	return b
}

const upperHex = "0123456789ABCDEF"

// mergeHeaders brings the headers of heraldheaders and the others into the
// order that it gives. Others that it doesn't know follow.
func (c *cloudEvent) mergeHeaders() *Error {
	if c.list == "" {
		return nil
	}
	others := c.e.Headers
	items := strings.Count(c.list, ",") + 1
	if items > c.limits.HeaderCount {
		return tooLarge("headers", "headers", items, c.limits.HeaderCount)
	}
	merged := make(Headers, 0, items+len(others))
	used := make([]bool, len(others))
	for item := range strings.SplitSeq(c.list, ",") {
		h, listed, ok := listItem(item)
		if !ok {
			return malformed("heraldheaders", "expected percent-encoded key=value, separated by commas")
		}
		if _, twice := merged.Lookup(h.Key); twice {
			return malformed("heraldheaders", "expected each key once")
		}
		if listed {
			merged = append(merged, h)
			continue
		}
		for i := range others {
			if others[i].Key == h.Key && !used[i] {
				used[i] = true
				merged = append(merged, others[i])
				break
			}
		}
	}
	for i := range others {
		if !used[i] {
			merged = append(merged, others[i])
		}
	}
	if err := c.limits.headers(len(merged), headerBytes(merged)); err != nil {
		return err
	}
	c.e.Headers = merged
	if len(merged) == 0 {
		c.e.Headers = nil // an event without headers has none, whatever the list says
	}
	return nil
}

// listItem reads key=value, or a key alone. Own headers have no place there.
func listItem(item string) (h Header, listed, ok bool) {
	key, value, listed := strings.Cut(item, "=")
	var err error
	h.Key, err = url.PathUnescape(key)
	if err != nil || ownHeader(h.Key) && !extensionName(h.Key) {
		return h, listed, false
	}
	h.Value, err = url.PathUnescape(value)
	return h, listed, err == nil
}
