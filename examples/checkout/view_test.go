package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is now\n%s\nand was\n%s", name, got, want)
	}
}

func someSnapshot() snapshot {
	return snapshot{
		broker: "memory", phase: "selling", elapsed: 2345 * time.Millisecond, away: true,
		shop: row{label: "checkout", done: 32274, of: 69659, rate: 12877.4},
		groups: []row{
			{label: "email", done: 20897, of: 69659, rate: 2173, lag: 11004, retries: 21669, later: 6987, dead: 2},
			{label: "inventory", done: 32270, of: 69659, rate: 12879, lag: 4},
			{label: "analytics", done: 69659, of: 69659, lag: unknownLag},
			{label: "rejected: service", done: 0, of: 0},
			{label: "a label that is far too long", done: 1, of: 3, retries: 123456789},
		},
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	s := someSnapshot()
	for _, width := range []int{1, 10, 30, 40, 60, 80, 120, 200} {
		lines := frame(&s, width, false)
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); n > width {
				t.Errorf("at width %d a line has %d characters: %q", width, n, l)
			}
			if strings.Contains(l, "\x1b") {
				t.Errorf("at width %d a line without colours has an escape: %q", width, l)
			}
		}
		golden(t, "frame-"+strconv.Itoa(width)+".golden", strings.Join(lines, "\n")+"\n")
	}
	coloured := strings.Join(frame(&s, 80, true), "\n") + "\n"
	golden(t, "frame-colours.golden", strings.ReplaceAll(coloured, "\x1b", "\\x1b"))
	for _, colour := range []string{red, green, yellow, dim, plainC} {
		coloured = strings.ReplaceAll(coloured, colour, "")
	}
	if coloured != strings.Join(frame(&s, 80, false), "\n")+"\n" {
		t.Error("colours change more than colours")
	}
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	away, over := someSnapshot(), snapshot{shop: row{done: 5, of: 5}, groups: []row{{label: "email", done: 5, of: 5}}}
	golden(t, "lines.golden", line(&away)+"\n"+line(&over)+"\n")
}

func TestDisplayWithoutTerminalPrintsOneLineASecond(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		d := &display{out: &out, look: someSnapshot}
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		d.note("before")
		d.run(ctx)
	})
	s := someSnapshot()
	want := "before\n" + strings.Repeat(line(&s)+"\n", 3)
	if out.String() != want {
		t.Errorf("printed\n%s\nnot\n%s", out.String(), want)
	}
}

func TestDisplayRedrawsInPlaceBelowNotes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	size := func() (int, int, bool) { return 61, 5, true } // room for 4 lines of 60
	synctest.Test(t, func(t *testing.T) {
		d := &display{out: &out, look: someSnapshot, screen: &screen{size: size}}
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		time.AfterFunc(150*time.Millisecond, func() { d.note("a note") })
		d.run(ctx)
	})
	s := someSnapshot()
	drawn := strings.Join(frame(&s, 60, false)[:4], "\n") + "\n"
	erase := "\x1b[4A\r\x1b[J"
	want := "\x1b[?25l" + drawn + erase + "a note\n" + drawn + erase + drawn + "\x1b[?25h"
	if out.String() != want {
		t.Errorf("drew\n%q\nnot\n%q", out.String(), want)
	}
}

func TestNotesAreWrappedBetweenWords(t *testing.T) {
	t.Parallel()
	if got, want := wrap("  1.0 s  one two three", 18), "  1.0 s  one two \n           three"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := wrap("  1.0 s  one two three", 80), "  1.0 s  one two three"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := quantile(hundred, p); got != want {
			t.Errorf("quantile %v is %v, want %v", p, got, want)
		}
	}
	if got := quantile(hundred[:1], 0.99); got != 1 {
		t.Errorf("of one it is %v", got)
	}
}

func TestSpeedIsWhatHappensASecond(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s := speed{at: start}
	var rate float64
	for i := range int64(100) {
		rate = s.update(100*(i+1), start.Add(time.Duration(i+1)*100*time.Millisecond))
	}
	if rate < 999 || rate > 1001 {
		t.Errorf("100 in each tenth of a second are %v a second", rate)
	}
}
