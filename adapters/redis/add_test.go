package redis_test

import (
	"bufio"
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// What is written by hand is what the client library would be given.
func TestAddsAreWrittenAsTheClientLibraryWritesThem(t *testing.T) {
	t.Parallel()
	west := time.FixedZone("west", -5*3600)
	for i, m := range []*driver.Message{
		whole(),
		{},
		{Body: []byte("a\r\n\x00\xff"), Headers: []driver.Header{{Key: "", Value: ""}, {Key: "data", Value: "x"}}},
		{Time: time.Date(2025, 1, 2, 3, 4, 5, 678, west), Slot: 63, Body: bytes.Repeat([]byte("z"), 70_000)},
	} {
		for _, must := range []bool{false, true} {
			got, err := readCommand(bufio.NewReader(bytes.NewReader(redis.Add("{orders}", must, m))))
			want := []string{"xadd", "{orders}"}
			if must {
				want = append(want, "nomkstream")
			}
			want = append(append(want, "*"), redis.Fields(m)...)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("message %d is written as\n%q, %v, want\n%q", i, got, err, want)
			}
		}
	}
}
