package main

import (
	"encoding/json"
	"errors"
	"math/big"
	"testing"
)

func TestParseCentsIsExactAndTakesNothingElse(t *testing.T) {
	t.Parallel()
	good := map[string]Cents{
		"0": 0, "0.00": 0, "0.1": 10, "0.01": 1, "00.07": 7, "11.77": 1177, "29.3": 2930, "1286.01": 128601, "5": 500,
		"1000000000000.99":   100000000000099,
		"999999999999.99":    99999999999999,
		"000000000000000.29": 29,
	}
	for text, want := range good {
		if got, err := ParseCents(text); err != nil || got != want {
			t.Errorf("ParseCents(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "-1.00", "+1.00", "1,00", "1.000", "1.005", "$1.00", " 1.00", "1.00 ", "1e2", "0x10", "1_000", "NaN", "Inf",
		"1.-1", "1.+1", "١.٠٠", "1000000000001", "90071992547409.93", "99999999999999999999",
	} {
		if got, err := ParseCents(text); !errors.Is(err, errAmount) || got != 0 {
			t.Errorf("ParseCents(%q) = %d, %v", text, got, err)
		}
	}
}

func TestCentsSurviveJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []Cents{0, 1, 10, 99, 100, 1177, 100000000000099} {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Cents
		if err := json.Unmarshal(text, &back); err != nil || back != c {
			t.Errorf("%d is %s and comes back as %d, %v", c, text, back, err)
		}
	}
	var c Cents
	for _, text := range []string{`11.77`, `1177`, `"$11.77"`, `true`, `{}`} {
		if err := json.Unmarshal([]byte(text), &c); err == nil {
			t.Errorf("%s was taken as %d", text, c)
		}
	}
}

func TestCentsForPeople(t *testing.T) {
	t.Parallel()
	for c, want := range map[Cents]string{
		0: "$0.00", 5: "$0.05", 123456: "$1,234.56", 250031563: "$2,500,315.63", 99999: "$999.99", -123456: "-$1,234.56", 100000000: "$1,000,000.00",
	} {
		if got := c.String(); got != want {
			t.Errorf("%d is %q, want %q", int64(c), got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -100: "-100", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// The sum is taken again with rational numbers, which share no code with ParseCents.
func TestFileAddsUpToTheCent(t *testing.T) {
	t.Parallel()
	orders, err := loadOrders("", 0)
	if err != nil {
		t.Fatal(err)
	}
	facts := newFacts(orders, nil)
	sum := new(big.Rat)
	for _, o := range orders {
		amount, ok := new(big.Rat).SetString(o.Amount.decimal())
		if !ok {
			t.Fatalf("order %d: %q", o.Number, o.Amount.decimal())
		}
		sum.Add(sum, amount)
	}
	if got := sum.FloatString(2); got != "2500315.63" || facts.revenue != 250031563 {
		t.Errorf("sums are %s and %v", got, facts.revenue)
	}
	if len(orders) != 69659 || len(facts.points) != 23570 || len(facts.months) != 18 || facts.pieces != 167881 {
		t.Errorf("%d orders of %d customers in %d months, %d pieces", len(orders), len(facts.points), len(facts.months), facts.pieces)
	}
}
