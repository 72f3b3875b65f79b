package main

import (
	"reflect"
	"testing"
)

func TestParseTargets_GivesEachTargetItsPackage(t *testing.T) {
	t.Parallel()
	list := "FuzzDecode\nFuzzEncode\nok  \tp/envelope\t0.004s\nok  \tp/none\t0.002s\n?   \tp/doc\t[no test files]\n" +
		"FuzzURL\nok  \tp/kafka\t(cached)\n"
	want := []target{{"p/envelope", "FuzzDecode"}, {"p/envelope", "FuzzEncode"}, {"p/kafka", "FuzzURL"}}
	if got := parseTargets(list); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
