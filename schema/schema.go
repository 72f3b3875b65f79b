package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Format is the language that a schema is written in.
type Format string

// The formats that Herald knows.
const (
	// JSONSchema is JSON Schema, draft 2020-12 or draft-07 by its "$schema".
	JSONSchema Format = "json-schema"
	// Avro is Apache Avro's JSON schema declaration.
	Avro Format = "avro"
	// Protobuf is a Protocol Buffers file, proto2 or proto3.
	Protobuf Format = "protobuf"
)

// Schema is one schema as text. It is a plain value; Text and References are not changed by this module, and whoever holds a Schema must
// not change them either, because registries and caches share them.
type Schema struct {
	// Format is the language of Text.
	Format Format
	// Text is the schema as it was written, in UTF-8.
	Text []byte
	// Source says where the text comes from, for messages: a file's path or a registry's subject. It does not tell schemas apart.
	Source string
	// Message is the full name of the Protobuf message that data is one of; empty is the first of the file. Other formats ignore it.
	Message string
	// References are the schemas that Text names, each with those that it names in turn.
	References []Reference
}

// Reference is a schema that another one names: by "$ref" in JSON Schema, by import in Protobuf, by full name in Avro.
type Reference struct {
	// Name is how the referring text calls it.
	Name string
	Schema
}

// Fingerprint is the SHA-256 of what a schema means: its format, text, message and references, not its source. Equal schemas have equal
// fingerprints, whichever registry they come from.
type Fingerprint [sha256.Size]byte

// Fingerprint returns the fingerprint of s. It reads all of the text.
func (s *Schema) Fingerprint() Fingerprint {
	h := sha256.New()
	s.sum(h)
	return Fingerprint(h.Sum(nil))
}

func (s *Schema) sum(h hash.Hash) {
	sumText(h, string(s.Format))
	sumText(h, string(s.Text))
	sumText(h, s.Message)
	sumLength(h, len(s.References))
	for i := range s.References {
		sumText(h, s.References[i].Name)
		s.References[i].sum(h)
	}
}

// sumText writes the length first, so that no two lists of texts run together into the same bytes.
func sumText(h hash.Hash, text string) {
	sumLength(h, len(text))
	_, _ = h.Write([]byte(text)) // a hash never fails
}

func sumLength(h hash.Hash, n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	_, _ = h.Write(b[:]) // a hash never fails
}
