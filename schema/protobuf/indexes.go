package protobuf

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/herald-go/herald/schema"
)

// Indexes returns where the schema's message stands in its file: its index among the messages of the file, or the path of indexes to it where
// it is declared in another one, counted as the descriptor counts, in which a map field is a message, too. Registries over HTTP write it before the data.
func Indexes(s schema.Schema) ([]int, error) {
	m, err := Message(s)
	if err != nil {
		return nil, err
	}
	var path []int
	for d := protoreflect.Descriptor(m); ; d = d.Parent() {
		if _, ok := d.(protoreflect.MessageDescriptor); !ok {
			slices.Reverse(path)
			return path, nil
		}
		path = append(path, d.Index())
	}
}

// MessageAt returns the full name of the message at a path of indexes.
func MessageAt(s schema.Schema, path []int) (string, error) {
	file, err := link(&s)
	if err != nil {
		return "", err
	}
	messages := file.Messages()
	var found protoreflect.MessageDescriptor
	for _, i := range path {
		if i < 0 || i >= messages.Len() {
			return "", invalid(&s, fmt.Errorf("expected a message at the indexes %v", path))
		}
		found = messages.Get(i)
		messages = found.Messages()
	}
	if found == nil {
		return "", invalid(&s, errors.New("expected indexes of a message"))
	}
	return string(found.FullName()), nil
}
