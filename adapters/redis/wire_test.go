package redis_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a golden file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has changed, which is a wire format: give it a new name\n got %s\nwant %s", name, got, want)
	}
}

// whole is a message with every attribute.
func whole() *driver.Message {
	return &driver.Message{
		ID: "evt-1", Type: "order.placed", Key: "customer-7", Slot: driver.Slot("customer-7"), ContentType: "application/json",
		Time:      time.Date(2025, 6, 1, 12, 0, 0, 123456789, time.UTC),
		NotBefore: time.Date(2025, 6, 1, 13, 0, 0, 0, time.UTC),
		Headers:   []driver.Header{{Key: "tenant", Value: "acme"}, {Key: "data", Value: "a header of this name"}},
		Body:      []byte(`{"total":12}`),
	}
}

func TestEntriesAreWrittenAsTheyAlwaysWere(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, m := range []*driver.Message{whole(), {}, {Body: []byte("bare")}} {
		for i, f := range redis.Fields(m) {
			out.WriteString(f)
			out.WriteString([]string{"\t", "\n"}[i%2])
		}
		out.WriteString("--\n")
	}
	golden(t, "entries.txt", []byte(out.String()))
}

func TestKeysAreNamedAsTheyAlwaysWere(t *testing.T) {
	t.Parallel()
	all := append(redis.Keys("orders", "billing", 0), redis.Keys("orders", "billing", 2)...)
	all = append(all, redis.Keys(driver.Name(driver.KindDead, "orders", "billing"), "g", 0)[1])
	golden(t, "keys.txt", []byte(strings.Join(all, "\n")+"\n"))
}

func TestMessagesThatWaitAreWrittenAsTheyAlwaysWere(t *testing.T) {
	t.Parallel()
	golden(t, "later.bin", redis.Pack(whole()))
}

func TestEntriesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, want := range []*driver.Message{whole(), {Body: []byte{}}, {Slot: 63, Body: []byte("a\x00\xff")}} {
		if got := redis.ReadFields(redis.Fields(want)); !reflect.DeepEqual(got, want) {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
	}
}

func TestStrangersEntriesAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields []string
		want   driver.Message
	}{
		{[]string{"payload", "text"}, driver.Message{Body: []byte("text")}},
		{[]string{"a", "1", "b", "\"2\""}, driver.Message{Body: []byte(`{"a":"1","b":"\"2\""}`), ContentType: "application/json"}},
		{[]string{"data", "x", "tenant", "acme"}, driver.Message{Body: []byte("x"), Headers: []driver.Header{{Key: "tenant", Value: "acme"}}}},
		{
			[]string{"herald-time", "yesterday", "herald-slot", "-1", "herald-not-before", "?", "herald-key", "k", "data", ""},
			driver.Message{Key: "k", Slot: driver.Slot("k"), Body: []byte{}},
		},
		{nil, driver.Message{Body: []byte("{}"), ContentType: "application/json"}},
	} {
		if got := redis.ReadFields(c.fields); !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%q\n got %+v\nwant %+v", c.fields, *got, c.want)
		}
	}
}

func TestPartitionsShareTheSlots(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 4, 12, 64} {
		seen, last := map[int]int{}, 0
		for slot := range driver.Slots {
			p := redis.Partition(uint8(slot), n)
			if p < last || p >= n {
				t.Fatalf("slot %d of %d partitions lies in %d", slot, n, p)
			}
			last = p
			seen[p]++
		}
		if len(seen) != n {
			t.Errorf("%d of %d partitions have slots", len(seen), n)
		}
	}
	if got := redis.Partition(5, 0); got != -1 {
		t.Errorf("without partitions a slot lies in %d", got)
	}
}

func TestQuotasAddUp(t *testing.T) {
	t.Parallel()
	for _, members := range [][]string{{"b"}, {"b", "a"}, {"c", "a", "b"}, {"e", "d", "c", "b", "a"}} {
		for _, n := range []int{1, 4, 7, 64} {
			sum, least, most := 0, n, 0
			for _, m := range append([]string(nil), members...) {
				q := redis.Quota(append([]string(nil), members...), m, n)
				sum += q
				least, most = min(least, q), max(most, q)
			}
			if sum != n || most-least > 1 {
				t.Errorf("%d partitions over %d members: %d in all, from %d to %d", n, len(members), sum, least, most)
			}
		}
	}
	if q := redis.Quota([]string{"a"}, "stranger", 4); q != 0 {
		t.Errorf("who is no member owns %d partitions", q)
	}
}

func TestChannelsCarryTheEventReadably(t *testing.T) {
	t.Parallel()
	m := whole()
	m.NotBefore = time.Time{}
	raw := redis.EncodeNative(m, "publisher", 7)
	golden(t, "channel.json", append(raw, '\n'))
	var stranger struct{ Total int }
	if err := json.Unmarshal(raw, &stranger); err != nil || stranger.Total != 12 {
		t.Errorf("a stranger reads %+v, %v", stranger, err)
	}
}

func TestChannelsGiveBackWhatTheyCarried(t *testing.T) {
	t.Parallel()
	bodies := []string{
		`{}`, `{"a":1}`, ` {"a":1}`, `{"heraldNative":{"seq":3}}`, `{"a":"x,\"heraldNative\":{}"}`, "", "text", "\xff\x00", `{"a":1`, `[1]`,
		"{\n}", `{"a":{"heraldNative":{}}}`,
	}
	for _, body := range bodies {
		want := whole()
		want.NotBefore, want.Body = time.Time{}, []byte(body)
		raw := redis.EncodeNative(want, "publisher", 7)
		got, from, seq := redis.DecodeNative(raw)
		if !reflect.DeepEqual(got, want) || from != "publisher" || seq != 7 {
			t.Errorf("%q\n got %+v from %s number %d\nwant %+v", body, got, from, seq, want)
		}
	}
}

func TestStrangersChannelMessagesAreLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "text", `{"a":1}`, `{"heraldNative":`, `{"heraldNative":7}`, `"heraldNative":{}}`} {
		got, from, seq := redis.DecodeNative([]byte(raw))
		if string(got.Body) != raw || got.ID != "" || from != "" || seq != 0 {
			t.Errorf("%q came as %+v from %q number %d", raw, got, from, seq)
		}
	}
}

func TestMissingNumbersAreCounted(t *testing.T) {
	t.Parallel()
	if got, want := redis.Missed(5, 6, 9, 9, 8, 10), []int64{0, 0, 2, 0, 0, 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("missing are %v, want %v", got, want)
	}
}

func TestStartsByTimeIncludeTheWholeMillisecond(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Time]string{
		time.UnixMilli(1000):                             "999-18446744073709551615",
		time.UnixMilli(1000).Add(999 * time.Microsecond): "999-18446744073709551615",
		time.Unix(0, 0):                                  "0-0",
		time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC):      "0-0",
	} {
		if got := redis.Before(at); got != want {
			t.Errorf("before %v is %s, want %s", at, got, want)
		}
	}
}

func TestPositionsBelongToTheirTopic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text       string
		partitions int
		good       bool
	}{
		{"5-0", 0, true},
		{"2:5-1", 4, true},
		{"5-0", 4, false},
		{"2:5-0", 0, false},
		{"4:5-0", 4, false},
		{"-1:5-0", 4, false},
		{"no such position", 0, false},
		{"5", 0, false},
		{"", 0, false},
		{"5-x", 0, false},
	} {
		got, err := redis.ParsePosition(c.text, c.partitions)
		if (err == nil) != c.good || c.good && got != c.text {
			t.Errorf("%q of %d partitions is %q, %v", c.text, c.partitions, got, err)
		}
	}
}
