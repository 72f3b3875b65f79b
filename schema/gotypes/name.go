package gotypes

import (
	"go/token"
	"slices"
	"strings"
	"unicode"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
)

// initialisms are the words that Go writes in capitals (Go's code review comments, "Initialisms").
var initialisms = []string{
	"ACL", "API", "ASCII", "CPU", "CSS", "DNS", "EOF", "GUID", "HTML", "HTTP", "HTTPS", "ID", "IP", "JSON", "QPS", "RAM", "RPC", "SKU", "SLA",
	"SMTP", "SQL", "SSH", "TCP", "TLS", "TTL", "UDP", "UI", "UID", "UUID", "URI", "URL", "UTF8", "VAT", "VM", "XML", "XMPP", "XSRF", "XSS",
}

// exported returns an exported Go name for any text: "order_id" is "OrderID".
func exported(text string, more []string) string {
	var b strings.Builder
	for _, w := range words(text) {
		upper := strings.ToUpper(w)
		if slices.Contains(initialisms, upper) || slices.Contains(more, upper) {
			b.WriteString(upper)
			continue
		}
		r := []rune(w)
		b.WriteString(string(unicode.ToUpper(r[0])) + string(r[1:]))
	}
	name := b.String()
	if !token.IsIdentifier(name) || !token.IsExported(name) {
		name = "X" + name
	}
	return name
}

// words splits a text where a new word begins: after anything but letters and digits, before a capital that follows a small letter, and
// before the last capital of several when a small letter follows it.
func words(text string) []string {
	var out []string
	var word []rune
	runes := []rune(text)
	flush := func() {
		if len(word) > 0 {
			out = append(out, string(word))
		}
		word = nil
	}
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if n := len(word); n > 0 && unicode.IsUpper(r) {
			isNext := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(word[n-1]) || isNext {
				flush()
			}
		}
		word = append(word, r)
	}
	flush()
	return out
}

// TypeName returns what To calls the root type of a schema: "OrderPlaced" for order.placed version 1, "OrderPlacedV2" for version 2.
func TypeName(ref schema.Ref, initialisms ...string) string {
	name := exported(ref.Type, initialisms)
	version := envelope.CanonicalVersion(ref.Version)
	if version == "1" {
		return name
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, version)
	return name + "V" + clean
}

// scope hands out names, each once.
type scope map[string]bool

func (s scope) take(name string) string {
	unique := name
	for i := 2; s[unique]; i++ {
		unique = name + strings.Repeat("_", i-1)
	}
	s[unique] = true
	return unique
}
