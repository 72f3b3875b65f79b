package compat

import (
	"fmt"
	"strings"
)

// Mode says whose events whose readers must be able to read. The names are those of schema registries.
type Mode uint8

// The modes. The zero value is Backward, the default of schema registries too.
const (
	// Backward: the newer version reads what the version before it wrote. Consumers are upgraded first.
	Backward Mode = iota
	// BackwardTransitive: the newer version reads what every older version wrote.
	BackwardTransitive
	// Forward: the version before reads what the newer one writes. Publishers are upgraded first.
	Forward
	// ForwardTransitive: every older version reads what the newer one writes.
	ForwardTransitive
	// Full is Backward and Forward: services are upgraded in any order.
	Full
	// FullTransitive is BackwardTransitive and ForwardTransitive.
	FullTransitive
)

var modeNames = [...]string{"backward", "backward-transitive", "forward", "forward-transitive", "full", "full-transitive"}

// Modes returns the names of all modes, as ParseMode reads them. The slice is the caller's.
func Modes() []string { return append([]string(nil), modeNames[:]...) }

// String returns the mode's name, such as "backward-transitive".
func (m Mode) String() string {
	if int(m) >= len(modeNames) {
		return fmt.Sprintf("Mode(%d)", uint8(m))
	}
	return modeNames[m]
}

// ParseMode reads a mode's name. "BACKWARD_TRANSITIVE", as registries spell it, is read too; "" is Backward.
func ParseMode(name string) (Mode, error) {
	if name == "" {
		return Backward, nil
	}
	plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for i, n := range modeNames {
		if n == plain {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("unknown mode %q: expected one of %s", name, strings.Join(modeNames[:], ", "))
}

// Transitive reports whether all older versions count, not only the last.
func (m Mode) Transitive() bool {
	return m == BackwardTransitive || m == ForwardTransitive || m == FullTransitive
}

// Directions returns what the mode asks for. The slice is the caller's.
func (m Mode) Directions() []Direction {
	switch m {
	case Backward, BackwardTransitive:
		return []Direction{NewReadsOld}
	case Forward, ForwardTransitive:
		return []Direction{OldReadsNew}
	}
	return []Direction{NewReadsOld, OldReadsNew}
}
