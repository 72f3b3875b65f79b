package redis_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// entries is an answer with one stream, whose entries have bodies of these sizes.
func entries(sizes ...int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*1\r\n*2\r\n%s*%d\r\n", bulk("{orders}"), len(sizes))
	for i, n := range sizes {
		fmt.Fprintf(&b, "*2\r\n%s*8\r\n", bulk(fmt.Sprintf("1795253000458-%d", i)))
		for _, s := range []string{"herald-id", fmt.Sprintf("evt-%d", i), "herald-type", "order.placed", "trace", fmt.Sprint(i), "data", strings.Repeat("x", n)} {
			b.WriteString(bulk(s))
		}
	}
	return b.String()
}

func TestEntriesOfEverySizeAreWhole(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, 100, redis.SlabOwn, redis.SlabBytes, 7, 1 << 20, 0, redis.SlabOwn - 100, redis.SlabOwn - 100, redis.SlabOwn - 100, redis.SlabOwn - 100, 5}
	for range 3 * redis.SlabHolds {
		sizes = append(sizes, 10)
	}
	got, err := redis.Decode("orders", entries(sizes...), 1)
	if err != nil || len(got) != len(sizes) {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	for i, m := range got {
		want := driver.Message{ID: fmt.Sprintf("evt-%d", i), Type: "order.placed", Position: fmt.Sprintf("1795253000458-%d", i)}
		if m.ID != want.ID || m.Type != want.Type || m.Position != want.Position || len(m.Headers) != 1 || m.Headers[0] != (driver.Header{Key: "trace", Value: fmt.Sprint(i)}) ||
			string(m.Body) != strings.Repeat("x", sizes[i]) {
			t.Errorf("message %d is %q %q at %q with %v and %d bytes", i, m.ID, m.Type, m.Position, m.Headers, len(m.Body))
		}
		if cap(m.Body) != len(m.Body) {
			t.Errorf("message %d lets its body grow into the next one", i)
		}
	}
}

func TestAMessageNeedsLittleMemory(t *testing.T) { // not parallel: it counts what the process allocates
	sizes := make([]int, 500)
	for i := range sizes {
		sizes[i] = 512
	}
	raw := entries(sizes...)
	const times = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := redis.Decode("orders", raw, times); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	each := float64(after.TotalAlloc-before.TotalAlloc-times*uint64(len(raw))) / times / 500
	allocs := float64(after.Mallocs-before.Mallocs) / times / 500
	if each > 1200 || allocs > 2 {
		t.Errorf("a message takes %.0f bytes in %.1f allocations, want 1200 in 2 at most", each, allocs)
	}
}

func TestAMessageInHandKeepsOnlyItsSlab(t *testing.T) { // the same
	const large = 1 << 20
	raw := entries(100, large, large, large, large)
	before := heap()
	all, err := redis.Decode("orders", raw, 1)
	if err != nil {
		t.Fatal(err)
	}
	small := all[0]
	clear(all)
	if kept := heap() - before; kept > large/2 {
		t.Errorf("with a small message in hand, %d bytes stay in memory", kept)
	}
	runtime.KeepAlive(small)
	runtime.KeepAlive(raw)
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}

func FuzzAnswersAreReadOrRefused(f *testing.F) {
	f.Add(entries(0, 1, 100))
	f.Add("*-1\r\n")
	f.Add("*1\r\n*2\r\n$8\r\n{orders}\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*3\r\n$1\r\na\r\n$-1\r\n$4\r\ndata\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := redis.Decode("orders", raw, 1)
		if err != nil && got != nil {
			t.Errorf("%d messages beside %v", len(got), err)
		}
	})
}
