package gotypes

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema/internal/outline"
)

// option is one part of a `schema` tag.
type option struct{ name, value string }

// The options that say something about the member, not about its schema.
var flags = []string{"required", "optional", "notnull", "nullable", "additionalProperties"}

// errQuote says that a quote has no end.
var errQuote = errors.New("a quote ' without its end")

// splitTag takes a `schema` tag apart: options with commas between them, each a word or word=value. A value may stand in single quotes, in
// which two of them are one.
func splitTag(tag string) ([]option, error) {
	var out []option
	for tag != "" {
		i := strings.IndexAny(tag, "=,")
		if i < 0 || tag[i] == ',' {
			word, rest, _ := strings.Cut(tag, ",")
			out = append(out, option{name: strings.TrimSpace(word)})
			tag = rest
			continue
		}
		name := strings.TrimSpace(tag[:i])
		value, rest, err := tagValue(tag[i+1:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, option{name, value})
		tag = rest
	}
	for _, o := range out {
		if o.name == "" {
			return nil, errors.New("an option without a name")
		}
	}
	return out, nil
}

// tagValue reads one value and the comma that follows it.
func tagValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, "'") {
		value, rest, _ = strings.Cut(s, ",")
		return value, rest, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case i+1 == len(s):
			return b.String(), "", nil
		case s[i+1] == ',':
			return b.String(), s[i+2:], nil
		default:
			return "", "", errors.New("expected a comma after the quote")
		}
	}
	return "", "", errQuote
}

// quoteTag is the inverse of tagValue.
func quoteTag(value string) string {
	if value != "" && !strings.ContainsAny(value, ",'") {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// has reports whether an option is among them.
func has(options []option, name string) bool {
	return slices.ContainsFunc(options, func(o option) bool { return o.name == name })
}

// below returns the options after a prefix such as "items.".
func below(options []option, prefix string) []option {
	var out []option
	for _, o := range options {
		if name, ok := strings.CutPrefix(o.name, prefix); ok {
			out = append(out, option{name, o.value})
		}
	}
	return out
}

// The keywords that a tag may set, by the kind of data.
var (
	numeric  = []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
	textual  = []string{"minLength", "maxLength", "pattern", "format", "contentMediaType"}
	listing  = []string{"minItems", "maxItems", "uniqueItems"}
	counting = []string{"minProperties", "maxProperties"}
)

var keywords = map[outline.Kind][]string{
	outline.Integer: numeric, outline.Number: numeric, outline.String: textual, outline.Bytes: textual, outline.Array: listing,
	outline.Map: counting, outline.Object: counting,
}

// parse turns the text of an option into the JSON value of a keyword.
func parse(kind outline.Kind, o option) (any, error) {
	switch o.name {
	case "uniqueItems", "deprecated":
		if o.value != "" {
			return nil, errors.New("it takes no value")
		}
		return true, nil
	case "pattern", "format", "contentMediaType", "description", "title":
		return o.value, nil
	case "default", "const", "example":
		return literal(kind, o.value)
	case "enum":
		var values []any
		for text := range strings.SplitSeq(o.value, "|") {
			v, err := literal(kind, text)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		return values, nil
	}
	return number(o.value)
}

// literal reads a value of the kind; text stands without quotes.
func literal(kind outline.Kind, text string) (any, error) {
	if kind == outline.String || kind == outline.Bytes {
		return text, nil
	}
	v, err := outline.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("expected JSON, got %q", text)
	}
	return v, nil
}

func number(text string) (any, error) {
	v, err := outline.Decode([]byte(text))
	n, ok := v.(json.Number)
	if err != nil || !ok {
		return nil, fmt.Errorf("expected a number, got %q", text)
	}
	return n, nil
}
