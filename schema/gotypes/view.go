package gotypes

import "reflect"

// goType is a Go type as reflection or the source shows it. The rules are written once for both.
type goType interface {
	kind() reflect.Kind
	// name is the declared name, with type arguments; "" for a type that is written in place.
	name() string
	// pkg is the import path of a declared type.
	pkg() string
	// id is equal for identical types.
	id() any
	elem() goType
	key() goType
	length() int
	fields() []goField
	// marshals says which of MarshalJSON and MarshalText a value of the type has.
	marshals() methods
	// values are those of a type with a method Values() []T.
	values() ([]any, error)
	// doc is the comment of a declared type.
	doc() string
}

// goField is one field of a struct.
type goField struct {
	name       string
	tag        reflect.StructTag
	typ        goType
	isEmbedded bool
	isExported bool
	doc        string
}

// methods are the ways in which a type writes itself as JSON.
type methods struct {
	json, text bool // of a value
	pointer    bool // only a pointer has one of them
}

// full returns how messages call a type.
func full(t goType) string {
	switch {
	case t.name() == "":
		return t.kind().String()
	case t.pkg() == "":
		return t.name()
	}
	return t.pkg() + "." + t.name()
}
