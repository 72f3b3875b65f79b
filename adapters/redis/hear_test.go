package redis_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/redis"
)

// A server that is busy with something else keeps what was published for the reader that waits; one that does not answer in time is given up.
func TestHear_WaitsForAServerThatIsBusy(t *testing.T) {
	t.Parallel()
	const timeout = 5 * time.Second
	for _, c := range []struct {
		name string
		busy time.Duration
		want []string
		late bool
		took time.Duration
	}{
		{"not at all", 0, []string{"{}"}, false, time.Second},
		{"for a while", 4 * time.Second, []string{"{}"}, false, 5 * time.Second},
		{"for ever", time.Hour, nil, true, 6 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer near.Close()
				over := make(chan struct{})
				defer close(over)
				go func() {
					defer far.Close()
					if _, err := readCommand(bufio.NewReader(far)); err != nil { // the question whether somebody is there
						return
					}
					select {
					case <-time.After(c.busy):
					case <-over:
						return
					}
					_, _ = io.WriteString(far, "*3\r\n$7\r\nmessage\r\n$6\r\norders\r\n$2\r\n{}\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n")
				}()
				began := time.Now()
				got, err := redis.Hear(t.Context(), near, timeout)
				if took := time.Since(began); !slices.Equal(got, c.want) || errors.Is(err, os.ErrDeadlineExceeded) != c.late || took != c.took {
					t.Errorf("heard %q, and %v after %v, want %q after %v, late: %v", got, err, took, c.want, c.took, c.late)
				}
			})
		})
	}
}
