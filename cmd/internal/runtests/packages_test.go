package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFindModules_FindsThemAllButTestData(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"", "contrib/x", "integration", "testdata/y", ".git"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "go.mod"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := findModules(root)
	want := []string{root, filepath.Join(root, "contrib/x"), filepath.Join(root, "integration")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestWork_LeavesOutWhatHurtsBrokersAndWhatHasATargetOfItsOwn(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{".", "integration/conformance", "integration/faults/redis", "integration/wire/kafka", "integration/watermill", "integration/watermill/wire", "integration/bench", "integration/chaos"} {
		dir := filepath.Join(root, folder)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte("package p\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for folder, module := range map[string]string{"": "x.org/m", "integration": "x.org/m/integration"} {
		if err := os.WriteFile(filepath.Join(root, folder, "go.mod"), []byte("module "+module+"\n\ngo 1.25.0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	for name, want := range map[string][]packages{
		"test":        {{".", []string{"./..."}, false}, {"integration", []string{"x.org/m/integration/conformance"}, false}},
		"conformance": {{"integration", []string{"x.org/m/integration/conformance"}, false}},
		"integration": {
			{"integration", []string{
				"x.org/m/integration/bench", "x.org/m/integration/faults/redis", "x.org/m/integration/watermill/wire", "x.org/m/integration/wire/kafka",
			}, false},
			{"integration", []string{"x.org/m/integration/watermill"}, true},
		},
		"chaos": {{"integration", []string{"x.org/m/integration/chaos"}, false}},
	} {
		set, flags, err := chooseSet([]string{name, "-short"})
		if err != nil || !reflect.DeepEqual(flags, []string{"-short"}) {
			t.Fatalf("%s: flags %q, %v", name, flags, err)
		}
		if got, err := set.work(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, want)
		}
	}
}

func TestChooseSet_AWrongNameIsAnErrorWithTheRightOnes(t *testing.T) {
	t.Parallel()
	if _, _, err := chooseSet([]string{"bench"}); err == nil || !strings.Contains(err.Error(), "test, conformance, integration, chaos") {
		t.Errorf("got %v", err)
	}
	if set, flags, err := chooseSet([]string{"-run", "X"}); err != nil || set.name != "test" || len(flags) != 2 {
		t.Errorf("without a name: got %s, %q, %v", set.name, flags, err)
	}
}

func TestRequiredBrokers_AnUnknownNameIsAnError(t *testing.T) {
	t.Setenv(requireVariable, "redis, valkey ,")
	if got, err := requiredBrokers(); err != nil || !reflect.DeepEqual(got, []string{"redis", "valkey"}) {
		t.Errorf("got %q, %v", got, err)
	}
	t.Setenv(requireVariable, "redis,kafak")
	if _, err := requiredBrokers(); err == nil || !strings.Contains(err.Error(), `"kafak"`) {
		t.Errorf("got %v", err)
	}
}
