package redis_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

func FuzzMembersAreWrittenAsTheLibraryDoes(f *testing.F) {
	f.Add("evt-1", "order.placed", "k", "application/json", "trace", "00-1", "publisher", uint64(7), uint8(3), int64(1), []byte("x"), true)
	f.Add("", "", "", "", "", "", "", uint64(0), uint8(0), int64(0), []byte{}, true)
	f.Add("\xff", "a\"b", "c\\d", "<&>", "\u2028", "ä\x7f\x00", "\n", uint64(1)<<63, uint8(255), int64(-1), []byte(nil), false)
	f.Fuzz(func(t *testing.T, id, kind, key, content, name, value, from string, seq uint64, slot uint8, at int64, body []byte, with bool) {
		m := &driver.Message{ID: id, Type: kind, Key: key, ContentType: content, Slot: slot, Body: body}
		if at != 0 {
			m.Time = time.Unix(at%1e10, at%1e9)
		}
		if name != "" {
			m.Headers = []driver.Header{{Key: name, Value: value}, {Key: "second", Value: ""}}
		}
		hand, library := redis.Member(m, from, seq, with)
		if !bytes.Equal(hand, library) {
			t.Fatalf("\n got %s\nwant %s", hand, library)
		}
		sameReading(t, hand)
	})
}

func FuzzMembersAreReadAsTheLibraryDoes(f *testing.F) {
	for _, raw := range []string{
		`{"id":"a","type":"b","key":"c","slot":3,"time":"2026-01-02T15:04:05Z","contentType":"d","headers":[["k","v"],["","w"]],"from":"p","seq":7}`,
		`{"slot":0}`, `{}`, `{"slot":01}`, `{"slot":64}`, `{"slot":-1}`, `{"seq":9223372036854775808}`, `{"id":"\u0041"}`, `{"ID":"x"}`, `{"slot":1,}`,
		`{"headers":[]}`, `{"headers":[["k"]]}`, `{"headers":[["k","v","w"]]}`, `{"slot":1}x`, `{"slot":1} `, `{"body_base64":"eA=="}`, `{"id":"` + "\xff" + `"}`, `[`, ``,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(sameReading)
}

// sameReading checks that what is read by hand is what the JSON library reads.
func sameReading(t *testing.T, raw []byte) {
	t.Helper()
	hand, library, ok, err := redis.ReadMember(raw)
	if ok && (err != nil || !reflect.DeepEqual(hand, library)) {
		t.Errorf("%q is read as %+v, want %+v, %v", raw, hand, library, err)
	}
}

func TestAWrittenMemberIsReadByHand(t *testing.T) {
	t.Parallel()
	m := whole()
	hand, _ := redis.Member(m, "publisher", 7, false)
	if _, _, ok, _ := redis.ReadMember(hand); !ok {
		t.Errorf("%s needs the JSON library", hand)
	}
}
