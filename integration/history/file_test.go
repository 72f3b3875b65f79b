package history_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/herald-go/herald/integration/history"
)

func write(t *testing.T, dir, name string, ops ...history.Op) *history.File {
	t.Helper()
	f, err := history.Append(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Add(ops...); err != nil {
		t.Fatal(err)
	}
	return f
}

func ids(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	last := int64(0)
	for o, err := range history.Read(dir) {
		if err != nil {
			t.Fatal(err)
		}
		if o.At < last {
			t.Errorf("%+v is stamped before the one in front of it", o)
		}
		last = o.At
		all = append(all, o.ID)
	}
	return all
}

func TestFilesAreMergedByTheirStamps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := write(t, dir, "b", history.Op{ID: "1"}, history.Op{ID: "2"})
	a := write(t, dir, "a", history.Op{ID: "3"})
	write(t, dir, "empty")
	for _, step := range []struct {
		f  *history.File
		id string
	}{{b, "4"}, {a, "5"}, {a, "6"}, {b, "7"}} {
		if err := step.f.Add(history.Op{ID: step.id}); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "a", history.Op{ID: "8"}) // its process has come back
	if got := ids(t, dir); !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6", "7", "8"}) {
		t.Errorf("read %q", got)
	}
}

// A line that a killed process did not finish is no operation.
func TestATornLineDoesNotCount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := write(t, dir, "a", history.Op{ID: "1"})
	follower := history.Follow(dir)
	var seen []string
	poll := func() {
		if err := follower.Poll(func(o history.Op) { seen = append(seen, o.ID) }); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.OpenFile(filepath.Join(dir, "a.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	tear := func(text string) {
		if _, err := raw.WriteString(text); err != nil {
			t.Fatal(err)
		}
		poll()
	}
	tear(`{"at":9000000000000000000,"kind":"acked",`)
	if got := ids(t, dir); !slices.Equal(got, []string{"1"}) || !slices.Equal(seen, []string{"1"}) {
		t.Errorf("read %q, followed %q", got, seen)
	}
	tear(`"id":"2"}` + "\n")
	if got := ids(t, dir); !slices.Equal(got, []string{"1", "2"}) || !slices.Equal(seen, []string{"1", "2"}) {
		t.Errorf("read %q, followed %q", got, seen)
	}
	if err := f.Add(history.Op{ID: "3"}); err != nil {
		t.Fatal(err)
	}
	poll()
	if !slices.Equal(seen, []string{"1", "2", "3"}) {
		t.Errorf("followed %q", seen)
	}
}

func TestABrokenLineIsAnErrorWithItsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(name, []byte("{\"id\":\"1\"}\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var failed error
	for _, err := range history.Read(dir) {
		failed = err
	}
	if failed == nil || failed.Error() != name+":2: invalid character 'o' in literal null (expecting 'u')" {
		t.Errorf("got %v", failed)
	}
}
