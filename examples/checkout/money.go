package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Cents is an amount of US dollars in whole cents. Money is never a float here: 0.1 has no exact float, and a sum of 69,659 of them is off
// by an amount that somebody has to explain to the tax office.
type Cents int64

// maxDollars keeps sums of millions of amounts far from the end of int64.
const maxDollars = 1_000_000_000_000

var errAmount = errors.New("not an amount such as 29.33")

// ParseCents reads a decimal amount exactly. It takes digits, and optionally a point followed by one or two digits, and nothing else: no
// sign, no currency, no space, no exponent. It never rounds.
func ParseCents(s string) (Cents, error) {
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if hasPoint && (fraction == "" || len(fraction) > 2) {
		return 0, fmt.Errorf("%q: %w", s, errAmount)
	}
	// One digit after the point is tenths, none are whole dollars.
	fraction += "00"[len(fraction):]
	if !digits(whole) || !digits(fraction) {
		return 0, fmt.Errorf("%q: %w", s, errAmount)
	}
	dollars, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || dollars > maxDollars {
		return 0, fmt.Errorf("%q: %w: too large", s, errAmount)
	}
	return Cents(dollars*100 + int64(fraction[0]-'0')*10 + int64(fraction[1]-'0')), nil
}

// digits reports whether s is made of one or more decimal digits. strconv would also take a sign.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// decimal returns the amount as ParseCents reads it.
func (c Cents) decimal() string {
	if c < 0 {
		return "-" + (-c).decimal()
	}
	return fmt.Sprintf("%d.%02d", c/100, c%100)
}

// String returns the amount for people, such as $2,500,315.63.
func (c Cents) String() string {
	if c < 0 {
		return "-" + (-c).String()
	}
	return fmt.Sprintf("$%s.%02d", grouped(int64(c/100)), c%100)
}

// MarshalText implements encoding.TextMarshaler: in JSON an amount is the string "29.33", because a JSON number is a float in too many
// languages.
func (c Cents) MarshalText() ([]byte, error) { return []byte(c.decimal()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. JSON numbers never reach it: encoding/json refuses them for such a type.
func (c *Cents) UnmarshalText(text []byte) error {
	v, err := ParseCents(string(text))
	if err != nil {
		return err
	}
	*c = v
	return nil
}

// grouped writes n with a comma after each three digits.
func grouped[N ~int | ~int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
