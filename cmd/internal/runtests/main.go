// Command runtests runs the tests of every module below the current folder and ends with what they covered: which
// suite ran on which broker, which did not, and why.
//
// A test belongs to a suite on a broker if it, or a test above it, says so:
//
//	t.Attr("suite", "drivertest")
//	t.Attr("broker", "memory")
//	t.Attr("not-run", "3") // if parts of the suite were left out without a test for each
//
// The closing lines are made of what those tests reported and of nothing else. The exit status is 1 if a test failed
// or didn't build.
//
//	go run ./cmd/internal/runtests [go test flags]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runtests:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, extra []string) error {
	modules, err := findModules(".")
	if err != nil {
		return err
	}
	args := []string{"test", "-json", "-shuffle=on"}
	race, why := raceDetector(ctx)
	if race {
		args = append(args, "-race")
	}
	fmt.Println("race detector:", why)
	args = append(append(args, extra...), "./...")
	report := newReport(os.Stdout)
	var errs []error
	for _, module := range modules {
		if err := testModule(ctx, module, args, report); err != nil {
			errs = append(errs, fmt.Errorf("module %s: %w", module, err))
		}
	}
	fmt.Println()
	report.summary(hasAdapter)
	return errors.Join(errs...)
}

// findModules returns the folders with a go.mod, the outermost first.
func findModules(root string) ([]string, error) {
	var modules []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")) {
			return filepath.SkipDir
		}
		if entry.Name() == "go.mod" {
			modules = append(modules, filepath.Dir(path))
		}
		return nil
	})
	if err == nil && len(modules) == 0 {
		err = fmt.Errorf("no go.mod below %s", root)
	}
	slices.Sort(modules) // a folder stands before those in it
	return modules, err
}

// raceDetector reports whether tests can be built with the race detector, which needs cgo and a C compiler.
func raceDetector(ctx context.Context) (on bool, why string) {
	out, err := exec.CommandContext(ctx, "go", "env", "CGO_ENABLED", "CC").Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 2 || fields[0] != "1" {
		return false, "off, cgo is not enabled"
	}
	if _, err := exec.LookPath(fields[1]); err != nil {
		return false, "off, no C compiler " + fields[1]
	}
	return true, "on"
}

// testModule runs one module's tests and feeds what they say to the report.
func testModule(ctx context.Context, dir string, args []string, report *report) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := report.read(stdout)
	if readErr != nil {
		// The tests must not block on a pipe that nobody reads.
		_, drainErr := io.Copy(io.Discard, stdout)
		readErr = errors.Join(readErr, drainErr)
	}
	return errors.Join(readErr, cmd.Wait())
}

// hasAdapter reports whether the tree has Go code for a broker's adapter.
func hasAdapter(broker string) bool {
	files, err := filepath.Glob(filepath.Join("adapters", broker, "*.go"))
	return err == nil && len(files) > 0
}
