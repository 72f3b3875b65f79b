package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// prefix begins the variables that set keys; those that begin with testPrefix belong to Herald's own tests.
const (
	prefix     = "HERALD_"
	testPrefix = "HERALD_TEST_"
)

// serviceLinks are the variables that Kubernetes and Docker set in every container beside a service named herald.
var serviceLinks = regexp.MustCompile(`^HERALD_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// environ is the environment as a map; of two entries with one name the last counts.
func environ(list []string) map[string]string {
	m := make(map[string]string, len(list))
	for _, e := range list {
		if name, value, ok := strings.Cut(e, "="); ok {
			m[name] = value
		}
	}
	return m
}

// target is a key that a variable can set.
type target struct {
	path []string
	key  *key
}

// targets returns the keys that can be set, by their variables' names: every key of a fixed name, and those of the topics and groups that
// root holds. A variable with two targets stands for neither.
func targets(root *node) map[string][]target {
	found := map[string][]target{}
	collect(found, root.key, root, strings.TrimSuffix(prefix, "_"), nil)
	return found
}

func collect(found map[string][]target, k *key, n *node, variable string, path []string) {
	if k.isLeaf() {
		found[variable] = append(found[variable], target{path, k})
		return
	}
	separator := "__" // between levels, because names of keys hold single ones
	if len(path) == 0 {
		separator = "_"
	}
	for _, c := range k.keys {
		collect(found, c, n.at(c.name), variable+separator+fold(c.name), append(slices.Clone(path), c.name))
	}
	if k.kind != named {
		return
	}
	for _, name := range n.names() {
		collect(found, k.each, n.children[name], variable+separator+fold(name), append(slices.Clone(path), name))
	}
}

// fold writes a name as variables are named.
func fold(name string) string {
	return strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToUpper(name))
}

// override sets what the variables say on top of root.
func override(root *node, env map[string]string, p *problems) {
	known := targets(root)
	for _, variable := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(variable, prefix) || strings.HasPrefix(variable, testPrefix) || serviceLinks.MatchString(variable) {
			continue
		}
		from := origin{variable: variable}
		switch to := known[variable]; len(to) {
		case 0:
			p.add(from, "", "%s", unknownVariable(variable, known))
		case 1:
			root.set(to[0].path, fromVariable(to[0], from, env[variable], p))
		default:
			p.add(from, "", "stands for %s and for %s alike: set them in a file", strings.Join(to[0].path, "."), strings.Join(to[1].path, "."))
		}
	}
}

func unknownVariable(variable string, known map[string][]target) string {
	names := slices.Sorted(maps.Keys(known))
	if near := nearest(variable, names); near != "" {
		return "unknown variable, did you mean " + near + "?"
	}
	if strings.HasPrefix(variable, prefix+"TOPICS__") || strings.HasPrefix(variable, prefix+"GROUPS__") {
		return "unknown variable: a variable can change the keys of a topic or group that a file names, not add one"
	}
	return "unknown variable: variables that begin with " + prefix + " are the keys in capitals, with __ between levels"
}

// fromVariable checks a variable's value. Lists are separated by commas.
func fromVariable(to target, from origin, value string, p *problems) *node {
	n := &node{key: to.key, from: from, items: []string{}}
	k, values := to.key, []string{value}
	if k.kind == list {
		k, values = k.item, strings.Split(value, ",")
		if strings.TrimSpace(value) == "" {
			values = nil
		}
	}
	for _, v := range values {
		if k != to.key {
			v = strings.TrimSpace(v)
		}
		checked, err := k.check(v)
		if err == nil && !utf8.ValidString(v) {
			err = k.expected()
		}
		if err != nil {
			n.isBad = true
			p.add(from, strings.Join(to.path, "."), "%w%s", err, foundIn(k, v))
			continue
		}
		n.items = append(n.items, checked)
	}
	return n
}

func foundIn(k *key, v string) string {
	switch {
	case v == "":
		return ", found nothing"
	case k.secret || k.url:
		return ""
	}
	return ", found " + shown(v)
}
