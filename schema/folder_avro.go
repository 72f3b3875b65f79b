package schema

import (
	"slices"
	"strings"
)

// avroNameOf returns the full name that an Avro schema declares at its top, or "".
func avroNameOf(doc any) string {
	m, _ := doc.(map[string]any)
	name, _, isNamed := avroName(m, "")
	if !isNamed {
		return ""
	}
	return name
}

// avroName returns the full name and the namespace of a named type, by the rules of the Avro specification, "Names".
func avroName(m map[string]any, namespace string) (full, inside string, isNamed bool) {
	typ, _ := m["type"].(string)
	if !slices.Contains([]string{"record", "error", "enum", "fixed"}, typ) {
		return "", namespace, false
	}
	name, _ := m["name"].(string)
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name, name[:i], true
	}
	if ns, ok := m["namespace"].(string); ok {
		namespace = ns
	}
	return avroFull(name, namespace), namespace, true
}

func avroFull(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

// avroLinks finds the names that an Avro schema uses and another file declares.
func (f *folder) avroLinks(self string, x *file, found map[string]string) {
	used := make(map[string]bool)
	own := make(map[string]bool)
	avroNames(x.doc, "", used, own)
	for name := range used {
		at := slices.DeleteFunc(slices.Clone(f.names[name]), func(p string) bool { return p == self })
		switch {
		case own[name] || len(at) == 0:
		case len(at) == 1:
			found[name] = at[0]
		default:
			f.bad(self, "%s is declared in several files: %s", clip(name), strings.Join(at, ", "))
		}
	}
}

// avroNames collects the full names that a schema uses and declares.
func avroNames(v any, namespace string, used, own map[string]bool) {
	switch v := v.(type) {
	case string:
		used[avroFull(v, namespace)] = true
	case []any:
		for _, branch := range v {
			avroNames(branch, namespace, used, own)
		}
	case map[string]any:
		if name, inside, ok := avroName(v, namespace); ok {
			own[name] = true
			namespace = inside
		}
		for _, part := range []string{"type", "items", "values"} {
			if inner, ok := v[part]; ok {
				avroNames(inner, namespace, used, own)
			}
		}
		fields, _ := v["fields"].([]any)
		for _, field := range fields {
			if m, ok := field.(map[string]any); ok {
				avroNames(m["type"], namespace, used, own)
			}
		}
	}
}
