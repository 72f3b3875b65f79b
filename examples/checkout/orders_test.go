package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/herald-go/herald/envelope"
)

const header = "order,customer,date,items,amount_usd\n"

func TestOrdersAreReadPlainAndCompressed(t *testing.T) {
	t.Parallel()
	text := header + "7,00004,1997-01-01,2,29.33\n9,00005,1997-02-03,1,0.00\n"
	want := []Order{{7, "00004", "1997-01-01", 2, 2933}, {9, "00005", "1997-02-03", 1, 0}}
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"orders.csv": []byte(text), "orders.csv.gz": compressed.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := loadOrders(path, 0); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got, err := loadOrders(path, 1); err != nil || !reflect.DeepEqual(got, want[:1]) {
			t.Errorf("%s, the first: %+v, %v", name, got, err)
		}
	}
}

func TestOrdersThatMakeNoSenseAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "header",
		"order,customer\n":                  "columns are",
		header:                              "no orders",
		header + "x,1,1997-01-01,1,1.00\n":  "line 2: order:",
		header + "1,1,1997-01-01,x,1.00\n":  "line 2: items:",
		header + "1,1,1997-01-01,1,1.001\n": "line 2: amount_usd:",
		header + "1,1,1997-13-01,1,1.00\n":  "line 2: parsing time",
		header + "1,,1997-01-01,1,1.00\n":   "line 2: the order has no customer",
		header + "1,1,1997-01-01,0,1.00\n":  "line 2: order 1 has 0 items",
		header + "0,1,1997-01-01,1,1.00\n":  "line 2: order number 0",
		header + "1,1,1997-01-01,1\n":       "wrong number of fields",
		header + "1,1,1997-01-01,1,1.00\n1,2,1997-01-01,1,1.00\n": "line 3: order 1 comes twice",
		"\x1f\x8b": "EOF",
	} {
		if _, err := readOrders(strings.NewReader(text), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := loadOrders(filepath.Join(t.TempDir(), "none.csv"), 0); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestPublishingAnOrderAgainIsTheSameEvent(t *testing.T) {
	t.Parallel()
	s := sale{Order: Order{17, "00004", "1997-01-01", 2, 2933}, first: true}
	one, two := s.events(), s.events()
	if len(one) != 2 || one[0].ID != two[0].ID || one[1].ID != two[1].ID || one[0].ID == one[1].ID {
		t.Errorf("ids are %v and %v", one, two)
	}
	if one[0].Type != "customer.joined" || one[1].ID != "order-17" || one[0].Key != "00004" || one[1].Key != "00004" {
		t.Errorf("events are %+v", one)
	}
	if got, want := string(one[1].Data), `{"order":17,"customer":"00004","date":"1997-01-01","items":2,"amount":"29.33"}`; got != want {
		t.Errorf("data is %s, want %s", got, want)
	}
}

func TestMalformedOrdersAreRefusedAndThenMended(t *testing.T) {
	t.Parallel()
	o := Order{17, "00004", "1997-01-01", 2, 2933}
	want := map[fault]string{
		sound:          `{"order":17,"customer":"00004","date":"1997-01-01","items":2,"amount":"29.33"}`,
		currencySign:   `{"order":17,"customer":"00004","date":"1997-01-01","items":2,"amount":"$29.33"}`,
		amountAsNumber: `{"order":17,"customer":"00004","date":"1997-01-01","items":2,"amount":29.33}`,
		itemsAsText:    `{"order":17,"customer":"00004","date":"1997-01-01","items":"2","amount":"29.33"}`,
		truncated:      `{"order":17,"customer":"00004","date":"1997-01-01","items":2,"amount":"29.33"`,
		negativeItems:  `{"order":17,"customer":"00004","date":"1997-01-01","items":-2,"amount":"29.33"}`,
	}
	for f := sound; f < faults; f++ {
		e := malformed(&o, f)
		if got := string(e.Data); got != want[f] {
			t.Errorf("fault %d: %s, want %s", f, got, want[f])
		}
		if err := e.Validate(envelope.Limits{}); err != nil || e.ID != "order-17" || e.Key != "00004" {
			t.Errorf("fault %d: %+v, %v", f, e, err)
		}
		var strictly Order
		err := json.Unmarshal(e.Data, &strictly)
		if isSound := err == nil && strictly.check() == nil; isSound != (f == sound) {
			t.Errorf("fault %d: read strictly it is %+v, %v", f, strictly, err)
		}
		if got, err := mend(e.Data); err != nil || got != o {
			t.Errorf("fault %d: mended it is %+v, %v", f, got, err)
		}
	}
	for _, data := range []string{``, `}`, `[]`, `null`, `{"order":1`, `{"order":1,"customer":"1","date":"1997-01-01","items":0,"amount":"1.00"}`} {
		if got, err := mend([]byte(data)); err == nil {
			t.Errorf("%q was mended to %+v", data, got)
		}
	}
}

func TestEachFaultHappensOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{6, 10, 500, 2000, 69659} {
		orders := make([]Order, n)
		for i := range orders {
			orders[i] = Order{Number: i + 1, Customer: "1"}
		}
		count := make(map[fault]int)
		for _, s := range planSales(orders) {
			count[s.fault]++
			if s.twice && s.fault != sound {
				t.Errorf("of %d, order %d is malformed and published twice", n, s.Number)
			}
		}
		want := map[fault]int{sound: n - 5, currencySign: 1, amountAsNumber: 1, itemsAsText: 1, truncated: 1, negativeItems: 1}
		if !reflect.DeepEqual(count, want) {
			t.Errorf("of %d: %v", n, count)
		}
	}
}
