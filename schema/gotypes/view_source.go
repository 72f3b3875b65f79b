package gotypes

import (
	"fmt"
	"go/constant"
	"go/types"
	"reflect"
)

// sourced is a goType of a type-checked source.
type sourced struct {
	t types.Type
	s *source
	// at is where the comments of a struct that is written in place are: the package and the path.
	at, in string
}

func (v *sourced) named() *types.Named {
	n, _ := types.Unalias(v.t).(*types.Named)
	return n
}

func (v *sourced) under() types.Type { return v.t.Underlying() }

// basicKinds are the kinds of basic types.
var basicKinds = map[types.BasicKind]reflect.Kind{
	types.Bool: reflect.Bool, types.Int: reflect.Int, types.Int8: reflect.Int8, types.Int16: reflect.Int16, types.Int32: reflect.Int32,
	types.Int64: reflect.Int64, types.Uint: reflect.Uint, types.Uint8: reflect.Uint8, types.Uint16: reflect.Uint16, types.Uint32: reflect.Uint32,
	types.Uint64: reflect.Uint64, types.Uintptr: reflect.Uintptr, types.Float32: reflect.Float32, types.Float64: reflect.Float64,
	types.Complex64: reflect.Complex64, types.Complex128: reflect.Complex128, types.String: reflect.String,
	types.UnsafePointer: reflect.UnsafePointer,
}

func (v *sourced) kind() reflect.Kind {
	switch u := v.under().(type) {
	case *types.Basic:
		return basicKinds[u.Kind()]
	case *types.Struct:
		return reflect.Struct
	case *types.Pointer:
		return reflect.Pointer
	case *types.Slice:
		return reflect.Slice
	case *types.Array:
		return reflect.Array
	case *types.Map:
		return reflect.Map
	case *types.Interface:
		return reflect.Interface
	case *types.Chan:
		return reflect.Chan
	case *types.Signature:
		return reflect.Func
	}
	return reflect.Invalid
}

func (v *sourced) name() string {
	switch t := types.Unalias(v.t).(type) {
	case *types.Basic:
		return t.Name()
	case *types.Named:
		name := t.Obj().Name()
		for i := range t.TypeArgs().Len() {
			open := ","
			if i == 0 {
				open = "["
			}
			name += open + types.TypeString(t.TypeArgs().At(i), nil)
		}
		if t.TypeArgs().Len() > 0 {
			name += "]"
		}
		return name
	}
	return ""
}

func (v *sourced) pkg() string {
	if n := v.named(); n != nil && n.Obj().Pkg() != nil {
		return n.Obj().Pkg().Path()
	}
	return ""
}

// id tells types apart as reflection does, except that types inside functions, which the source front end never meets, are no matter.
func (v *sourced) id() any { return types.TypeString(v.t, nil) }

func (v *sourced) elem() goType {
	if e, ok := v.under().(interface{ Elem() types.Type }); ok {
		return v.below(e.Elem())
	}
	return v
}

// below keeps the place of the comments for what is written in place.
func (v *sourced) below(t types.Type) *sourced {
	in, at := v.in, v.at
	if n := v.named(); n != nil && n.Obj().Pkg() != nil {
		in, at = n.Obj().Pkg().Path(), n.Obj().Name()
	}
	return &sourced{t: t, s: v.s, in: in, at: at}
}

func (v *sourced) key() goType {
	if m, ok := v.under().(*types.Map); ok {
		return v.below(m.Key())
	}
	return v
}

func (v *sourced) length() int {
	if a, ok := v.under().(*types.Array); ok {
		return int(a.Len())
	}
	return 0
}

func (v *sourced) fields() []goField {
	u, ok := v.under().(*types.Struct)
	if !ok {
		return nil
	}
	out := make([]goField, 0, u.NumFields())
	for i := range u.NumFields() {
		f := u.Field(i)
		typ := v.below(f.Type())
		typ.at += "." + f.Name()
		doc := ""
		if typ.in != "" {
			doc = v.s.commentsOf(typ.in).text[typ.at]
		}
		out = append(out, goField{
			name: f.Name(), tag: reflect.StructTag(u.Tag(i)), typ: typ, isEmbedded: f.Embedded(), isExported: f.Exported(), doc: doc,
		})
	}
	return out
}

func (v *sourced) marshals() methods {
	m := methods{json: hasMethod(v.t, "MarshalJSON"), text: hasMethod(v.t, "MarshalText")}
	if k := v.kind(); !m.json && !m.text && k != reflect.Pointer && k != reflect.Interface {
		p := types.NewPointer(v.t)
		m.pointer = hasMethod(p, "MarshalJSON") || hasMethod(p, "MarshalText")
	}
	return m
}

// hasMethod reports whether values of t have a method func() ([]byte, error).
func hasMethod(t types.Type, name string) bool {
	f := method(t, name)
	if f == nil || f.Params().Len() != 0 || f.Results().Len() != 2 {
		return false
	}
	return types.TypeString(f.Results().At(0).Type(), nil) == "[]byte" && types.TypeString(f.Results().At(1).Type(), nil) == "error"
}

func method(t types.Type, name string) *types.Signature {
	selection := types.NewMethodSet(t).Lookup(nil, name)
	if selection == nil {
		return nil
	}
	f, _ := selection.Type().(*types.Signature)
	return f
}

// values returns the constants of a type that has a method Values() []T, which is not run: what it returns are they.
func (v *sourced) values() ([]any, error) {
	n := v.named()
	f := method(v.t, "Values")
	if n == nil || f == nil || v.kind() == reflect.Interface || f.Params().Len() != 0 || f.Results().Len() != 1 {
		return nil, nil
	}
	if list, ok := f.Results().At(0).Type().(*types.Slice); !ok || !types.Identical(list.Elem(), v.t) {
		return nil, nil
	}
	var out []any
	pkg := n.Obj().Pkg()
	for _, name := range v.s.commentsOf(pkg.Path()).consts {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if ok && types.Identical(c.Type(), v.t) {
			out = append(out, constant.Val(c.Val()))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has a method Values and no constants", full(v))
	}
	return out, nil
}

func (v *sourced) doc() string {
	n := v.named()
	if n == nil || n.Obj().Pkg() == nil {
		return ""
	}
	return v.s.commentsOf(n.Obj().Pkg().Path()).text[n.Obj().Name()]
}
