package compat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"

	"github.com/herald-go/herald/schema"
)

// Fingerprint returns "sha256:" and the hexadecimal digest of what a schema means: equal for texts that differ in layout, order of members,
// comments and documentation alone. What a schema refers to counts. schema.Schema.Fingerprint, in contrast, tells every text apart.
//
// JSON Schema is taken without title, description, $comment, examples and deprecated; Avro without doc; Protobuf as its descriptor without
// source positions and comments.
func Fingerprint(ctx context.Context, v Version) (string, error) {
	if err := v.Schema.CheckLimits(); err != nil {
		return "", fmt.Errorf("fingerprint %s: %w", v.Ref, err)
	}
	sum := sha256.New()
	if err := canonical(ctx, sum, v, 0); err != nil {
		return "", fmt.Errorf("fingerprint %s: %w", v.Ref, err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// canonical writes the format, the canonical text and then the same of each reference with its name.
func canonical(ctx context.Context, w io.Writer, v Version, depth int) error {
	if depth > schema.MaxReferenceDepth {
		return invalid(v, fmt.Errorf("expected at most %d levels of references", schema.MaxReferenceDepth))
	}
	text, err := canonicalText(ctx, v)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s %q %d\n%s\n", v.Schema.Format, v.Schema.Message, len(text), text); err != nil {
		return err
	}
	for _, r := range v.Schema.References {
		if _, err := fmt.Fprintf(w, "%q\n", r.Name); err != nil {
			return err
		}
		if err := canonical(ctx, w, Version{Ref: v.Ref, Schema: r.Schema}, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func canonicalText(ctx context.Context, v Version) ([]byte, error) {
	switch v.Schema.Format {
	case schema.JSONSchema:
		return canonicalJSON(v, stripJSONSchema)
	case schema.Avro:
		return canonicalJSON(v, stripAvro)
	case schema.Protobuf:
		file, err := compileProto(ctx, v)
		if err != nil {
			return nil, err
		}
		description := protodesc.ToFileDescriptorProto(file)
		description.SourceCodeInfo = nil
		return proto.MarshalOptions{Deterministic: true}.Marshal(description)
	}
	return nil, invalid(v, fmt.Errorf("unknown format %q", v.Schema.Format))
}

// canonicalJSON writes a JSON text with sorted members, without what strip takes out.
func canonicalJSON(v Version, strip func(any) any) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(v.Schema.Text))
	decoder.UseNumber()
	var raw any
	if err := decoder.Decode(&raw); err != nil {
		return nil, invalid(v, err)
	}
	if err := boundJSON(raw, 0); err != nil {
		return nil, invalid(v, err)
	}
	return json.Marshal(strip(raw))
}

var documentation = []string{"title", "description", "$comment", "examples", "deprecated"}

// mapsOfSchemas hold schemas under names of the user's, where "title" is a name like any other.
var mapsOfSchemas = []string{"properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"}

// stripJSONSchema takes documentation out of schemas and leaves values as they are.
func stripJSONSchema(raw any) any {
	switch v := raw.(type) {
	case []any:
		for i := range v {
			v[i] = stripJSONSchema(v[i])
		}
	case map[string]any:
		for _, keyword := range documentation {
			delete(v, keyword)
		}
		for keyword, value := range v {
			byName, isMap := value.(map[string]any)
			switch {
			case isMap && slices.Contains(mapsOfSchemas, keyword):
				for name := range byName {
					byName[name] = stripJSONSchema(byName[name])
				}
			case keyword != "enum" && keyword != "const" && keyword != "default":
				v[keyword] = stripJSONSchema(value)
			}
		}
	}
	return raw
}

// stripAvro takes doc out of schemas and fields, and leaves defaults as they are.
func stripAvro(raw any) any {
	switch v := raw.(type) {
	case []any:
		for i := range v {
			v[i] = stripAvro(v[i])
		}
	case map[string]any:
		delete(v, "doc")
		for attribute, value := range v {
			if attribute != "default" {
				v[attribute] = stripAvro(value)
			}
		}
	}
	return raw
}
