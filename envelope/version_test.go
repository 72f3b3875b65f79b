package envelope_test

import (
	"testing"

	"github.com/herald-go/herald/envelope"
)

func TestVersionsHaveOneCanonicalSpelling(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]string{
		"": "1", "1": "1", "1.0": "1", "1.0.0": "1", "1.0.1": "1.0.1", "1.1": "1.1", "1.1.0": "1.1", "10": "10", "1.10": "1.10",
		"0.0": "0", "2.0": "2", "v1": "v1", "v1.0": "v1.0", "beta.0": "beta.0", ".0": ".0", "1..0": "1..0", "1.00": "1.00",
	} {
		if got := envelope.CanonicalVersion(v); got != want {
			t.Errorf("CanonicalVersion(%q): got %q, want %q", v, got, want)
		}
	}
}

func TestSameVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"1", "1.0", true},
		{"1.0", "1.0.0", true},
		{"", "1", true},
		{"", "1.0", true},
		{"2.1", "2.1.0", true},
		{"v1", "v1", true},
		{"1", "1.1", false},
		{"1", "10", false},
		{"", "2", false},
		{"1", "v1", false},
		{"1.0", "1.0.1", false},
	} {
		if got := envelope.SameVersion(tc.a, tc.b); got != tc.want {
			t.Errorf("SameVersion(%q, %q): got %v", tc.a, tc.b, got)
		}
		if got := envelope.SameVersion(tc.b, tc.a); got != tc.want {
			t.Errorf("SameVersion(%q, %q): got %v", tc.b, tc.a, got)
		}
	}
}
