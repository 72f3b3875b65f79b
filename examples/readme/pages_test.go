package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/pkg/drivertest"
	"github.com/herald-go/herald/pkg/messaging"
)

// tree is the root of the module.
const tree = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pages returns README.md, CHANGELOG.md and the pages in docs, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(tree, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, filepath.Join(tree, "README.md"), filepath.Join(tree, "CHANGELOG.md")) {
		texts[path] = read(t, path)
	}
	return texts
}

func TestREADMEShowsThisProgram(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, filepath.Join(tree, "README.md")), "```go\n"+read(t, "main.go")+"```\n") {
		t.Error("README.md does not show main.go line for line")
	}
}

func TestREADMEShowsWhatTheBrokerReports(t *testing.T) {
	t.Parallel()
	broker, err := adapters.Open(t.Context(), "memory://")
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close(t.Context())
	report := messaging.Report(broker.Capabilities())
	if !strings.Contains(read(t, filepath.Join(tree, "README.md")), "```text\n"+report+"```\n") {
		t.Errorf("README.md does not show the report:\n%s", report)
	}
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Example|Fuzz)\w*)\(`)

// functions returns the names of all tests, benchmarks, examples and fuzz targets.
func functions(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != tree && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir // caches, in which others may be at work
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range testFunction.FindAllStringSubmatch(string(text), -1) {
			names[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var named = regexp.MustCompile("`((?:Test|Benchmark|Example|Fuzz)[A-Z]\\w*)")

func TestPagesNameTestsThatExist(t *testing.T) {
	t.Parallel()
	known := functions(t)
	for path, text := range pages(t) {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			if !known[match[1]] {
				t.Errorf("%s names %s, which is not in the tree", path, match[1])
			}
		}
	}
}

var area = regexp.MustCompile(`contract/(\w+)`)

func TestPagesNameAreasOfTheConformanceSuite(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range drivertest.Sentences() {
		known[s.Area] = true
	}
	for path, text := range pages(t) {
		for _, match := range area.FindAllStringSubmatch(text, -1) {
			if !known[match[1]] {
				t.Errorf("%s names the area %s, which the suite does not have", path, match[1])
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for path, text := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link to %s: %v", path, match[1], err)
				continue
			}
			if anchor != "" && !hasAnchor(read(t, target), anchor) {
				t.Errorf("%s: link to %s: no such heading", path, match[1])
			}
		}
	}
}

// hasAnchor reports whether a heading of the page becomes the anchor, by the rule of GitHub.
func hasAnchor(page, anchor string) bool {
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		text := dropped.ReplaceAllString(strings.ToLower(match[1]), "")
		if strings.ReplaceAll(text, " ", "-") == anchor {
			return true
		}
	}
	return false
}
