package redis_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
)

var glances = []string{
	`{}`, `{"a":1}`, `{"a":[1,-2.5,3e7,4E-2,0,0.5e+1,true,false,null,"x\n\"\\"],"b":{"c":{}}}`, " { \"a\" : [ ] ,\t\"b\"\r\n: \"é\" } ",
	`{"herald":1,"eventId":"01939a0e-0000-7000-8000-000000000000","data":{"sku":"A-1","count":3}}`, `[]`, `"x"`, `7`, `-0`, `null`,
}

func TestAGlanceKnowsJSON(t *testing.T) {
	t.Parallel()
	for _, s := range glances {
		if !redis.IsPlainJSON([]byte(s)) || !json.Valid([]byte(s)) {
			t.Errorf("%q is not taken for JSON", s)
		}
	}
}

// Whatever a glance takes for JSON is JSON: each change of one byte, and many of several.
func TestAGlanceTakesNothingElseForJSON(t *testing.T) {
	t.Parallel()
	const letters = "{}[]:,\"\\ \n\t0123456789.-+eEtrufalsn\x00\x1f\x7f\x80\xff"
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in each run
	check := func(raw []byte) {
		t.Helper()
		if redis.IsPlainJSON(raw) && !json.Valid(raw) {
			t.Errorf("%q is taken for JSON", raw)
		}
	}
	bad := append([]string{"", "{", "{\"a\"", "{\"a\":}", "{,}", "[1,]", "01", "-", "1.", "1e", "tru", "nul", `"\x"`, `"\`, `{"a":1}}`, strings.Repeat("[", 200)}, glances...)
	for _, s := range bad {
		check([]byte(s))
		for at := range len(s) {
			check([]byte(s[:at]))
			check([]byte(s[:at] + s[at+1:]))
			for i := range len(letters) {
				check([]byte(s[:at] + letters[i:i+1] + s[at+1:]))
				check([]byte(s[:at] + letters[i:i+1] + s[at:]))
			}
		}
		for range 2000 {
			raw := []byte(s)
			for range min(len(raw), 1+r.IntN(4)) {
				raw[r.IntN(len(raw))] = letters[r.IntN(len(letters))]
			}
			check(raw)
		}
	}
}
