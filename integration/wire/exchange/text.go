package exchange

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// Encode writes bytes as the scripts of the other languages do: text as it is, all else as "base64:…".
func Encode(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return "base64:" + base64.StdEncoding.EncodeToString(b)
}

// Decode reverts Encode.
func Decode(t testing.TB, s string) []byte {
	t.Helper()
	encoded, ok := strings.CutPrefix(s, "base64:")
	if !ok {
		return []byte(s)
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Raw returns v as JSON.
func Raw(t testing.TB, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Updating reports whether the golden files are being written.
func Updating() bool { return *update }

// Golden compares headers with a golden file.
func Golden(t testing.TB, path string, got map[string]string) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(want) {
		t.Errorf("%s differs; got:\n%s", path, text)
	}
}
