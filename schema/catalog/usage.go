package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Usage says who publishes and handles what, and what things are for. The zero value says nothing.
type Usage struct {
	// Title names the system; "Events" by default.
	Title string `yaml:"title"`
	// Version is the version of the document; "1" by default.
	Version string `yaml:"version"`
	// Description says what the system is.
	Description string `yaml:"description"`
	// Topics say what each topic is for, by name.
	Topics map[string]string `yaml:"topics"`
	// Services are those that publish and handle, by name.
	Services map[string]Service `yaml:"services"`
}

// Service is one service.
type Service struct {
	// Description says what it does.
	Description string `yaml:"description"`
	// Publishes are the types that it publishes, by topic: order.placed, order.placed@2 for one version, order.* for a pattern.
	Publishes map[string][]string `yaml:"publishes"`
	// Handles are what it handles, by topic.
	Handles map[string]Handles `yaml:"handles"`
}

// Handles is how a service handles a topic.
type Handles struct {
	// Group is the group's name; that of the service by default.
	Group string `yaml:"group"`
	// Broadcast says that each instance gets every event, without a group.
	Broadcast bool `yaml:"broadcast"`
	// Types are written as those of Publishes; none are all that the topic has.
	Types []string `yaml:"types"`
}

// maxUsage bounds the file of a Usage.
const maxUsage = 1 << 20

// ParseUsage reads a Usage from YAML, or from JSON, which is YAML:
//
//	title: Shop
//	topics: {orders: What happens to orders.}
//	services:
//	  checkout: {publishes: {orders: [order.placed, order.cancelled@2]}}
//	  billing: {handles: {orders: {group: billing, types: [order.*]}}}
//
// Keys that it does not know are errors. The text is at most 1 MiB.
func ParseUsage(text []byte) (Usage, error) {
	var u Usage
	if len(text) > maxUsage {
		return u, fmt.Errorf("usage: larger than %d bytes", maxUsage)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&u); err != nil && !errors.Is(err, io.EOF) {
		return Usage{}, fmt.Errorf("usage: %w", err)
	}
	return u, nil
}

// names returns the names of a map, sorted.
func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
