package compat

import (
	"context"
	"errors"
	"fmt"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/herald-go/herald/schema"
)

// maxProtoDepth bounds the levels of braces and brackets before the compiler sees a file.
const maxProtoDepth = 100

// compileProto compiles a file with its references as its imports. The files of google/protobuf are known; nothing is opened.
func compileProto(ctx context.Context, v Version) (file protoreflect.FileDescriptor, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's, on what it did not think of
			err = invalid(v, fmt.Errorf("the library gave up: %v", r))
		}
	}()
	const root = "herald-event.proto"
	texts := map[string]string{}
	budget := schema.MaxText
	if err := addProto(root, v.Schema, texts, 0, &budget); err != nil {
		return nil, invalid(v, err)
	}
	resolver := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(texts)}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(resolver), MaxParallelism: 1}
	files, err := compiler.Compile(ctx, root)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, invalid(v, err)
	}
	return files[0], nil
}

func addProto(name string, s schema.Schema, texts map[string]string, depth int, budget *int) error {
	if known, ok := texts[name]; ok {
		if known != string(s.Text) {
			return fmt.Errorf("%q names two files", name)
		}
		return nil
	}
	if *budget -= len(s.Text); *budget < 0 || depth > schema.MaxReferenceDepth {
		return fmt.Errorf("expected at most %d bytes and %d levels of references", schema.MaxText, schema.MaxReferenceDepth)
	}
	if braces(s.Text) > maxProtoDepth {
		return fmt.Errorf("expected at most %d levels", maxProtoDepth)
	}
	texts[name] = string(s.Text)
	for _, r := range s.References {
		if err := addProto(r.Name, r.Schema, texts, depth+1, budget); err != nil {
			return err
		}
	}
	return nil
}

// braces returns how deep a file nests at most. It counts in comments and strings too, which only makes it careful.
func braces(text []byte) int {
	depth, deepest := 0, 0
	for _, c := range text {
		switch c {
		case '{', '[', '<', '(':
			depth++
			deepest = max(deepest, depth)
		case '}', ']', '>', ')':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

// eventMessage returns the message that data is one of: the one that the schema names, else the first of the file.
func eventMessage(file protoreflect.FileDescriptor, v Version) (protoreflect.MessageDescriptor, error) {
	messages := file.Messages()
	if v.Schema.Message == "" {
		if messages.Len() == 0 {
			return nil, invalid(v, errors.New("expected a message"))
		}
		return messages.Get(0), nil
	}
	if m := findMessage(messages, protoreflect.FullName(v.Schema.Message)); m != nil {
		return m, nil
	}
	return nil, invalid(v, fmt.Errorf("expected a message %s", v.Schema.Message))
}

func findMessage(list protoreflect.MessageDescriptors, name protoreflect.FullName) protoreflect.MessageDescriptor {
	for i := range list.Len() {
		m := list.Get(i)
		if m.FullName() == name {
			return m
		}
		if in := findMessage(m.Messages(), name); in != nil {
			return in
		}
	}
	return nil
}
