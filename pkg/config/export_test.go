package config

import "github.com/herald-go/herald/pkg/messaging"

// Messaging returns what Options hands over.
func (c *Config) Messaging() messaging.Config { return c.messaging() }

// Decode reads YAML as what an editor checks against the schema: maps, lists and values.
func Decode(text string) (v any, err error) {
	r := &reader{source: "text"}
	document := r.parse([]byte(text))
	if document == nil {
		return nil, r.problems.join(nil)
	}
	err = document.Decode(&v)
	return v, err
}
