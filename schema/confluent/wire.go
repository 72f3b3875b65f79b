package confluent

import (
	"errors"
	"strconv"
	"strings"

	"github.com/herald-go/herald/schema"
)

// schemaAnswer is what the registry says of a schema: GET /subjects/{subject}/versions/{version} and GET /schemas/ids/{id}.
type schemaAnswer struct {
	ID         int         `json:"id"`
	Schema     string      `json:"schema"`
	SchemaType string      `json:"schemaType"`
	References []reference `json:"references"`
}

// schemaRequest is what POST /subjects/{subject}/versions takes.
type schemaRequest struct {
	Schema     string      `json:"schema"`
	SchemaType string      `json:"schemaType,omitempty"`
	References []reference `json:"references,omitempty"`
}

type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// formatOf returns the format of a registry's schema type; Avro is the one that is left out.
func formatOf(schemaType string) (schema.Format, bool) {
	switch schemaType {
	case "", "AVRO":
		return schema.Avro, true
	case "JSON":
		return schema.JSONSchema, true
	case "PROTOBUF":
		return schema.Protobuf, true
	}
	return "", false
}

func typeOf(f schema.Format) string {
	switch f {
	case schema.JSONSchema:
		return "JSON"
	case schema.Protobuf:
		return "PROTOBUF"
	default:
		return "" // Avro, for registries older than the other two
	}
}

var errSource = errors.New(`expected a Source of "<subject> version <number>"`)

// sourceVersion reads what resolve writes into Schema.Source.
func sourceVersion(source string) (version, error) {
	i := strings.LastIndex(source, " version ")
	if i < 0 {
		return version{}, errSource
	}
	n, err := strconv.Atoi(source[i+len(" version "):])
	if err != nil {
		return version{}, errSource
	}
	return version{source[:i], n}, nil
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 200)], "") }
