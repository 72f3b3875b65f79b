package gate

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
)

// LockFile is the name of the lock file in a folder of schemas.
const LockFile = "schemas.lock"

// Locked is what a lock holds of one schema.
type Locked struct {
	// Format is the schema's language.
	Format schema.Format
	// Fingerprint is compat.Fingerprint.
	Fingerprint string
}

// Lock is what was published, by canonical reference.
type Lock map[schema.Ref]Locked

// maxLock bounds a lock file in bytes.
const maxLock = 16 << 20

const lockHead = "# What was published, one version a line: type, version, format, fingerprint. Written by `herald schema lock`; commit it.\nherald-schemas 1\n"

// ParseLock reads a lock file. Its first line that is no comment is the file's own version.
func ParseLock(text []byte) (Lock, error) {
	if len(text) > maxLock {
		return nil, fmt.Errorf("read lock: expected at most %d bytes", maxLock)
	}
	lock := Lock{}
	head := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
			continue
		case !head:
			if head = line == "herald-schemas 1"; !head {
				return nil, fmt.Errorf("read lock: line %d: expected %q", n, "herald-schemas 1")
			}
			continue
		}
		if err := lock.parse(line); err != nil {
			return nil, fmt.Errorf("read lock: line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read lock: %w", err)
	}
	if !head {
		return nil, fmt.Errorf("read lock: expected %q", "herald-schemas 1")
	}
	return lock, nil
}

func (l Lock) parse(line string) error {
	fields := strings.Fields(line)
	if len(fields) != 4 || !strings.HasPrefix(fields[3], "sha256:") {
		return fmt.Errorf("expected a type, a version, a format and a sha256: fingerprint")
	}
	ref := schema.Ref{Type: fields[0], Version: fields[1]}
	if err := ref.Validate(); err != nil {
		return err
	}
	ref = ref.Canonical()
	if _, twice := l[ref]; twice {
		return fmt.Errorf("%s is there twice", ref)
	}
	l[ref] = Locked{Format: schema.Format(fields[2]), Fingerprint: fields[3]}
	return nil
}

// Refs returns the references of the lock, sorted by type and version. The slice is the caller's.
func (l Lock) Refs() []schema.Ref { return slices.SortedFunc(maps.Keys(l), schema.Ref.Compare) }

// Bytes returns the lock file, sorted by type and version, so that two branches that publish different types merge.
func (l Lock) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString(lockHead)
	for _, ref := range l.Refs() {
		fmt.Fprintf(&b, "%s %s %s %s\n", ref.Type, ref.Version, l[ref].Format, l[ref].Fingerprint)
	}
	return b.Bytes()
}

// NewLock returns the lock of a set. A schema that can't be read is an error.
func NewLock(ctx context.Context, set Set) (Lock, error) {
	lock := make(Lock, len(set))
	for _, ref := range set.Refs() {
		s := set[ref]
		f, err := compat.Fingerprint(ctx, compat.Version{Ref: ref, Schema: s})
		if err != nil {
			return nil, err
		}
		lock[ref] = Locked{Format: s.Format, Fingerprint: f}
	}
	return lock, nil
}
