package redis_test

import (
	"reflect"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
)

func TestAnswersAreRead(t *testing.T) {
	t.Parallel()
	const begin = "*1\r\n*2\r\n$1\r\ns\r\n"
	for raw, want := range map[string][][]string{
		"*-1\r\n":        nil,
		begin + "*0\r\n": nil,
		begin + "*1\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$1\r\na\r\n$0\r\n\r\n$4\r\ndata\r\n$2\r\n\r\n\r\n": {{"1-0", "a", "", "\r\n"}},
		begin + "*1\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$4\r\ndata\r\n$1\r\nx\r\n$1\r\nk\r\n$1\r\nv\r\n":   {{"1-0", "data", "x", "k", "v", ""}},
		begin + "*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\n2-0\r\n*-1\r\n":  {{"1-0", "a", "b", ""}, {"2-0", ""}},
	} {
		got, err := redis.ParseEntries(raw)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v, want %q", raw, got, err, want)
		}
		for cut := range len(raw) {
			if _, err := redis.ParseEntries(raw[:cut]); err == nil {
				t.Errorf("%q is read without an error", raw[:cut])
			}
		}
	}
	for _, raw := range []string{"", "\n", "*\r\n", ":1\r\n", "*99999999999999999999\r\n", "*5\r\n", begin + "*1\r\n*1\r\n$1\r\na\r\n", begin + "*1\r\n*2\r\n$9\r\nabc\r\n"} {
		if _, err := redis.ParseEntries(raw); err == nil {
			t.Errorf("%q is read without an error", raw)
		}
	}
}
