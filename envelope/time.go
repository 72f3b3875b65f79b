package envelope

import (
	"math"
	"time"
)

// epochBorder tells epoch seconds from milliseconds: a number below it in
// magnitude is seconds (until the year 5138), from it on milliseconds (outside
// March 1973 to October 1966, which as milliseconds would be below it).
const epochBorder = 100_000_000_000

// maxEpochMillis is the last millisecond of the year 9999.
const maxEpochMillis = 253_402_300_799_999

// parseTime reads an RFC 3339 time, with or without a fraction, as UTC.
// Stricter than time.Parse, which also takes "T1:02:03" and a decimal comma.
func parseTime(s string) (time.Time, bool) {
	const seconds = len("2006-01-02T15:04:05")
	if len(s) <= seconds {
		return time.Time{}, false
	}
	if c := s[seconds]; c != '.' && c != 'Z' && c != '+' && c != '-' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, false
	}
	t = t.UTC()
	return t, validTime(t)
}

// parseEpoch reads a JSON number as seconds or milliseconds since 1970, by
// its magnitude. It keeps nanoseconds exactly and cuts off what is finer.
// The text must be a valid JSON number.
func parseEpoch(number []byte) (time.Time, bool) {
	d := parseDecimal(number)
	whole, fraction, ok := d.split()
	if !ok {
		return time.Time{}, false
	}
	var t time.Time
	switch {
	case whole < epochBorder:
		t = epoch(d.negative, whole, fraction)
	case whole <= maxEpochMillis:
		// whole ms + fraction of a ms: nanoseconds are three digits fewer.
		t = epoch(d.negative, whole/1000, whole%1000*1_000_000+fraction/1000)
	default:
		return time.Time{}, false
	}
	return t, validTime(t)
}

func epoch(negative bool, seconds, nanos int64) time.Time {
	if negative {
		seconds, nanos = -seconds, -nanos
	}
	return time.Unix(seconds, nanos).UTC()
}

// decimal is 0.digits × 10^point.
type decimal struct {
	negative bool
	digits   [32]byte // values 0 to 9; further digits are finer than a nanosecond or far out of range
	n        int
	point    int
}

// parseDecimal reads a valid JSON number, in space that doesn't grow with it.
func parseDecimal(number []byte) (d decimal) {
	i := 0
	if number[i] == '-' {
		d.negative = true
		i++
	}
	fraction := false
	for ; i < len(number); i++ {
		c := number[i]
		if c == '.' {
			fraction = true
			continue
		}
		if c == 'e' || c == 'E' {
			d.point += exponent(number[i+1:])
			break
		}
		d.digit(c-'0', fraction)
	}
	return d
}

func (d *decimal) digit(v byte, fraction bool) {
	if d.n == 0 && v == 0 {
		// A leading zero: before the point it is nothing, after it a shift.
		if fraction {
			d.point--
		}
		return
	}
	if !fraction {
		d.point++
	}
	if d.n < len(d.digits) {
		d.digits[d.n] = v
		d.n++
	}
}

// exponent reads a signed number and clamps it to a billion.
func exponent(text []byte) int {
	v, sign := 0, 1
	for _, c := range text {
		switch {
		case c == '-':
			sign = -1
		case c != '+' && v < 100_000_000:
			v = v*10 + int(c-'0')
		}
	}
	return sign * v
}

// split returns the whole part and the fraction in billionths.
func (d *decimal) split() (whole, billionths int64, ok bool) {
	if d.n == 0 {
		return 0, 0, true
	}
	const most = 18 // digits of an int64 for sure
	if d.point > most {
		return math.MaxInt64, 0, false
	}
	for i := range max(d.point, 0) {
		whole = whole*10 + d.at(i)
	}
	for i := range 9 {
		billionths = billionths*10 + d.at(d.point+i)
	}
	return whole, billionths, true
}

func (d *decimal) at(i int) int64 {
	if i < 0 || i >= d.n {
		return 0
	}
	return int64(d.digits[i])
}
