package gate_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/compat"
	"github.com/herald-go/herald/schema/gate"
)

const (
	first  = `{"description":"An order was placed.","type":"object","properties":{"id":{"type":"string","description":"Which."}},"required":["id"],"additionalProperties":false}`
	second = `{"description":"An order was placed.","type":"object","properties":{"id":{"type":"string","description":"Which."},"note":{"type":"string","description":"From the customer."}},"required":["id"],"additionalProperties":false}`
	third  = `{"description":"An order was placed.","type":"object","properties":{"id":{"type":"string","description":"Which."},"total":{"type":"number","description":"In euros."}},"required":["id","total"],"additionalProperties":false}`
)

// set reads a folder of these files.
func set(t *testing.T, files map[string]string) gate.Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	folder, err := schema.Folder(fsys)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gate.Load(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t *testing.T, s, base gate.Set, lock gate.Lock, c gate.Config) *gate.Report {
	t.Helper()
	r, err := gate.Check(t.Context(), s, base, lock, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func order(versions ...string) []schema.Ref {
	var refs []schema.Ref
	for _, v := range versions {
		refs = append(refs, schema.Ref{Type: "order.placed", Version: v})
	}
	return refs
}

func TestABreakingThirdVersionIsStopped(t *testing.T) {
	t.Parallel()
	r := check(t, set(t, map[string]string{"order.placed/1.json": first, "order.placed/2.json": second, "order.placed/3.json": third}), nil, nil, gate.Config{})
	want := &gate.Report{
		New: order("1", "2", "3"), Compared: 2,
		Problems: []gate.Problem{{
			Type: "order.placed", Version: "3", Source: "order.placed/3.json", Path: "/properties/note", Rule: compat.RuleJSONPropertyRefused,
			Direction: compat.NewReadsOld, Against: "2",
			Message: "`note` left a closed object: events of version 2 may hold it, and version 3 refuses it",
		}, {
			Type: "order.placed", Version: "3", Source: "order.placed/3.json", Path: "/properties/total", Rule: compat.RuleJSONRequired,
			Direction: compat.NewReadsOld, Against: "2", Message: "`total` became required: events of version 2 lack it",
		}},
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
	if got := r.Problems[1].String(); got != "order.placed/3.json: /properties/total: `total` became required: events of version 2 lack it (json-required-added, backward)" {
		t.Errorf("got %s", got)
	}
}

func TestOnlyNewVersionsAreComparedWhereThereIsABase(t *testing.T) {
	t.Parallel()
	// Version 2 breaks version 1, but both are published: nothing can be done about it.
	base := set(t, map[string]string{"order.placed/1.json": first, "order.placed/2.json": third})
	s := set(t, map[string]string{"order.placed/1.json": first, "order.placed/2.json": third, "order.placed/3.json": third})
	if r := check(t, s, base, nil, gate.Config{}); len(r.Problems) > 0 || r.Compared != 1 || !slices.Equal(r.New, order("3")) {
		t.Errorf("got %+v", r)
	}
	if r := check(t, s, base, nil, gate.Config{All: true}); len(r.Problems) != 1 || r.Compared != 2 {
		t.Errorf("all: got %+v", r)
	}
}

func TestANewVersionIsComparedWithThoseOfTheBaseToo(t *testing.T) {
	t.Parallel()
	// Version 2 was published by somebody else meanwhile.
	base := set(t, map[string]string{"order.placed/1.json": first, "order.placed/2.json": second})
	r := check(t, set(t, map[string]string{"order.placed/1.json": first, "order.placed/3.json": first}), base, nil, gate.Config{})
	var found []gate.Rule
	for _, p := range r.Problems {
		found = append(found, p.Rule)
	}
	if !slices.Equal(found, []gate.Rule{gate.RuleRemoved, compat.RuleJSONPropertyRefused}) || !slices.Equal(r.Removed, order("2")) {
		t.Errorf("got %+v", r)
	}
}

func TestAVersionPutBeforeAPublishedOneIsWhatThatOneMustRead(t *testing.T) {
	t.Parallel()
	base := set(t, map[string]string{"order.placed/1.json": second, "order.placed/3.json": first, "order.placed/4.json": third})
	s := set(t, map[string]string{"order.placed/1.json": second, "order.placed/2.json": second, "order.placed/3.json": first, "order.placed/4.json": third})
	for mode, against := range map[compat.Mode][]string{compat.Backward: {"3 2"}, compat.BackwardTransitive: {"3 2", "4 2", "4 2"}} {
		r := check(t, s, base, nil, gate.Config{Compat: compat.Config{Mode: mode}})
		var found []string
		for _, p := range r.Problems { // what versions 3 and 4 break of version 1 and of each other was published
			found = append(found, p.Version+" "+p.Against)
		}
		if !slices.Equal(found, against) || !slices.Equal(r.New, order("2")) {
			t.Errorf("%v: got %v, want %v", mode, found, against)
		}
	}
}

func TestWhatWasPublishedMayChangeItsWordsAndNothingElse(t *testing.T) {
	t.Parallel()
	published := set(t, map[string]string{"order.placed/1.json": first})
	lock, err := gate.NewLock(t.Context(), published)
	if err != nil {
		t.Fatal(err)
	}
	reworded := set(t, map[string]string{"order.placed/1.json": strings.ReplaceAll(first, "Which.", "Which one it is.")})
	changed := set(t, map[string]string{"order.placed/1.json": second})
	other := set(t, map[string]string{"order.paid/1.json": first})
	for name, from := range map[string]struct {
		base gate.Set
		lock gate.Lock
	}{"base": {base: published}, "lock": {lock: lock}, "both": {published, lock}} {
		if r := check(t, reworded, from.base, from.lock, gate.Config{}); len(r.Problems) > 0 || len(r.New) > 0 {
			t.Errorf("%s: reworded: got %+v", name, r)
		}
		r := check(t, changed, from.base, from.lock, gate.Config{})
		if len(r.Problems) != 1 || r.Problems[0].Rule != gate.RuleChanged || !slices.Equal(r.Changed, order("1")) {
			t.Errorf("%s: changed: got %+v", name, r)
		}
		r = check(t, other, from.base, from.lock, gate.Config{})
		if len(r.Problems) != 1 || r.Problems[0].Rule != gate.RuleRemoved || !slices.Equal(r.Removed, order("1")) {
			t.Errorf("%s: removed: got %+v", name, r)
		}
		r = check(t, other, from.base, from.lock, gate.Config{Compat: compat.Config{Allow: []gate.Rule{gate.RuleRemoved}}})
		if len(r.Problems) > 0 || len(r.Removed) != 1 {
			t.Errorf("%s: allowed: got %+v", name, r)
		}
	}
}

func TestASchemaThatCannotBeReadIsAProblem(t *testing.T) {
	t.Parallel()
	s := set(t, map[string]string{"order.placed/1.json": `{"type":"strin"}`, "order.paid/1.proto": "message {", "order.sent/1.json": first})
	r := check(t, s, nil, nil, gate.Config{})
	var found []string
	for _, p := range r.Problems {
		found = append(found, p.Type+" "+string(p.Rule))
	}
	if want := []string{"order.paid invalid", "order.placed invalid"}; !slices.Equal(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
}

func TestLocksAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	lock, err := gate.NewLock(t.Context(), set(t, map[string]string{"b.c/10.json": second, "b.c/9.json": first, "a.b/1.avsc": `"string"`}))
	if err != nil {
		t.Fatal(err)
	}
	text := string(lock.Bytes())
	if a, b, c := strings.Index(text, "a.b 1 avro sha256:"), strings.Index(text, "b.c 9 json-schema sha256:"), strings.Index(text, "b.c 10 "); a < 0 || a > b || b > c {
		t.Errorf("got\n%s", text)
	}
	again, err := gate.ParseLock([]byte(text))
	if err != nil || !reflect.DeepEqual(again, lock) {
		t.Errorf("got %v, %v", again, err)
	}
	for _, broken := range []string{"", "# nothing\n", "herald-schemas 2\n", "herald-schemas 1\na.b 1 avro\n", "herald-schemas 1\na.b 1 avro md5:1\n", "herald-schemas 1\na,b 1 avro sha256:1\n", text + "a.b 1.0 avro sha256:1\n"} {
		if got, err := gate.ParseLock([]byte(broken)); err == nil {
			t.Errorf("%q: got %v", broken, got)
		}
	}
}
