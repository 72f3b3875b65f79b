package driver

// Kind is the kind of a derived name.
type Kind string

// Kinds of derived name. They are a wire format.
const (
	// KindGroup is a group's queue or group id.
	KindGroup Kind = "group"
	// KindInbox is a group's inbox.
	KindInbox Kind = "inbox"
	// KindLater is a place where delayed messages of a group wait.
	KindLater Kind = "later"
	// KindDead is the log of a group's dead letters.
	KindDead Kind = "dead"
	// KindRedrive is the companion log: which dead letters were re-driven or discarded.
	KindRedrive Kind = "redrive"
	// KindLease is a lease on a partition of a group.
	KindLease Kind = "lease"
)

// NameLimit is the most characters of a topic or a group name.
const NameLimit = 100

// Name derives the name of something that belongs to a group of a topic, with further parts (a tier, a partition) after them. It is
// injective: names never hold two dots in a row (ValidName), so the parts can't run into each other, and no derived name is ever a user's.
func Name(kind Kind, topic, group string, more ...string) string {
	n := "herald.." + string(kind) + ".." + topic + ".." + group
	for _, m := range more {
		n += ".." + m
	}
	return n
}

// ValidName reports whether a topic's or group's name is one that every broker takes: words of [A-Za-z0-9_-] joined by single dots, at most
// NameLimit characters.
func ValidName(name string) bool {
	if name == "" || len(name) > NameLimit {
		return false
	}
	word := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '.' && word == 0:
			return false
		case c == '.':
			word = 0
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
			word++
		default:
			return false
		}
	}
	return word > 0
}
