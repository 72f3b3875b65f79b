package redis_test

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/redis"
)

// pour writes pieces to a feed, one at a time.
func pour(t *testing.T, pieces ...string) *redis.Feed {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, p := range pieces {
			if _, err := io.WriteString(far, p); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = far.Close()
		_ = near.Close()
		<-done
	})
	return redis.NewFeed(near)
}

func TestAFeedReadsValuesHoweverTheyCome(t *testing.T) {
	t.Parallel()
	long := bulk(strings.Repeat("y", 3*redis.FeedFirst))
	values := []string{"+OK\r\n", ":12\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", bulk(""), bulk("a\r\nb"), "*2\r\n*1\r\n" + bulk("x") + "-ERR no\r\n", long, ":1\r\n"}
	all := strings.Join(values, "")
	for _, size := range []int{1, 2, 3, 7, 1000, len(all)} {
		var pieces []string
		for at := 0; at < len(all); at += size {
			pieces = append(pieces, all[at:min(len(all), at+size)])
		}
		f := pour(t, pieces...)
		for _, want := range values {
			if got, err := f.Next(time.Minute); err != nil || got != want {
				t.Fatalf("in pieces of %d: %.40q, %v, want %.40q", size, got, err, want)
			}
		}
	}
}

func TestAFeedRefusesWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"hello\r\n", "$x\r\n", "*1x\r\n", "$\r\n", "*\r\n", "$5\rx", "$99999999999\r\n", "%1\r\n"} {
		if got, err := pour(t, raw).Next(time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q is read as %q, %v", raw, got, err)
		}
	}
}

func TestAFeedGoesOnAfterATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		f := redis.NewFeed(near)
		write := func(s string) {
			done := make(chan error, 1)
			go func() { _, err := io.WriteString(far, s); done <- err }()
			if _, err := f.Next(10 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("half a value: %v", err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		write("*2\r\n$3\r")
		write("\nabc")
		go func() { _, _ = io.WriteString(far, "\r\n:1\r\n") }()
		if got, err := f.Next(time.Minute); err != nil || got != "*2\r\n$3\r\nabc\r\n:1\r\n" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A buffer that an answer has made large is kept while such answers come, and given up when they have not for a while.
func TestAFeedsBufferIsGivenUp(t *testing.T) {
	t.Parallel()
	large, small := bulk(strings.Repeat("z", 2*redis.FeedKept)), ":1\r\n"
	answers := append(slices.Repeat([]string{large, small}, 10), slices.Repeat([]string{small}, 20)...)
	f := pour(t, append(answers, bulk(strings.Repeat("z", 4*redis.FeedFirst)))...)
	var sizes []int
	for range 41 {
		if _, err := f.Next(time.Minute); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, f.Size())
	}
	f.Relax()
	kept := slices.Min(sizes[:20]) >= 2*redis.FeedKept && slices.Max(sizes[:20]) == sizes[0]
	if !kept || sizes[39] > redis.FeedKept || sizes[40] > redis.FeedKept || f.Size() > redis.FeedFirst {
		t.Errorf("the buffer has %v bytes, and %d in the end", sizes, f.Size())
	}
}

// A large answer makes room for itself once or twice, and not by doubling; and for no more than some times what has come.
func TestAFeedsBufferGrowsToWhatIsAnnounced(t *testing.T) {
	t.Parallel()
	large := bulk(strings.Repeat("z", 1<<20))
	f := pour(t, "*2\r\n"+bulk("1-0")+large, ":1\r\n")
	for range 2 {
		if _, err := f.Next(time.Minute); err != nil {
			t.Fatal(err)
		}
		if size, most := f.Size(), len(large)+1024; size > most {
			t.Errorf("the buffer has %d bytes for an answer of %d", size, len(large))
		}
	}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	liar := redis.NewFeed(near)
	go func() { _, _ = io.WriteString(far, "$400000000\r\n"+strings.Repeat("z", redis.FeedFirst)) }()
	if _, err := liar.Next(100 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("half a value: %v", err)
	}
	if size, most := liar.Size(), 16*redis.FeedFirst; size > most {
		t.Errorf("the buffer has %d bytes for an answer of which %d have come, want at most %d", size, redis.FeedFirst, most)
	}
}
