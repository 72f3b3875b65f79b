package messaging_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

var (
	// seeds is how many storms are run: go test ./pkg/messaging -run Storm -seeds 1000.
	seeds = flag.Int("seeds", 60, "how many seeded storms to run")
	// first is the seed of the first.
	first = flag.Int("first", 0, "the first seed")
	// storms makes many storms cheap: go test ./pkg/messaging -run Storm -timeout 0 -v -seeds 100000 -storms /tmp/storms.
	storms = flag.String("storms", "", "run the storms in processes, and note in this folder which are done: what was interrupted goes on there")
)

// chunk is how many storms a process runs.
const chunk = 500

// fleet runs storms in processes of this very program, one for each processor. A process that has one or two processors to itself needs half of the
// time that one process needs for all, and both are tried, since they draw other interleavings.
type fleet struct {
	t     *testing.T
	ctx   context.Context
	self  string
	began time.Time

	mu   sync.Mutex
	note *os.File
	done map[int]bool // chunks, by their first seed
	ran  int          // chunks, this time
	left int
}

// runFleet runs what the folder lacks.
func runFleet(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, ctx: t.Context(), self: self, began: time.Now(), done: make(map[int]bool)}
	f.open()
	defer func() {
		if err := f.note.Close(); err != nil {
			t.Error(err)
		}
	}()
	work := make(chan int)
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for from := range work {
				f.run(from)
			}
		})
	}
	var todo []int
	for from := *first; from < *first+*seeds; from += chunk {
		if !f.done[from] {
			todo = append(todo, from)
		}
	}
	f.left = len(todo)
	for _, from := range todo {
		if t.Failed() {
			break // what was found is enough
		}
		work <- from
	}
	close(work)
	wg.Wait()
	t.Logf("seeds %d to %d", *first, *first+*seeds-1)
}

// open reads which chunks this program has done. Another program, one built of other code, has a file of its own.
func (f *fleet) open() {
	f.t.Helper()
	program, err := os.Open(f.self)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, program); err != nil {
		f.t.Fatal(err)
	}
	if err := os.MkdirAll(*storms, 0o755); err != nil {
		f.t.Fatal(err)
	}
	name := filepath.Join(*storms, fmt.Sprintf("%x.done", sum.Sum(nil)[:6]))
	before, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(before)); lines.Scan(); {
		if from, err := strconv.Atoi(lines.Text()); err == nil {
			f.done[from] = true
		}
	}
	if f.note, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// run runs a chunk in a process. Full chunks alone are noted.
func (f *fleet) run(from int) {
	n := min(chunk, *first+*seeds-from)
	cmd := exec.CommandContext(f.ctx, f.self, "-test.run=^TestStorm_", "-test.timeout=0", "-first", strconv.Itoa(from), "-seeds", strconv.Itoa(n))
	cmd.Env = append(os.Environ(), "GOGC=400", "GOMAXPROCS="+strconv.Itoa(1+from/chunk%2))
	out, err := cmd.CombinedOutput()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.t.Errorf("seeds %d to %d: %v\n%s", from, from+n-1, err, out[:min(len(out), 1<<14)])
		return
	}
	if n == chunk {
		if _, err := fmt.Fprintln(f.note, from); err != nil {
			f.t.Error(err)
		}
	}
	f.ran++
	f.left--
	rest := time.Since(f.began) / time.Duration(f.ran) * time.Duration(f.left)
	f.t.Logf("seeds %d to %d hold; %d of this time, %v to go", from, from+n-1, f.ran*chunk, rest.Round(time.Second))
}
