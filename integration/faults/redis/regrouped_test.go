package redis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// What is told of entries that are taken from a stream about when its group is deleted.
type wanted int

const (
	exactly wanted = iota // how many never came
	unknown               // that nobody knows
	honest                // either: what the members are at decides
	nothing               // nothing
)

// Rows 33 and 34 in a row: a group is deleted by hand, and entries are trimmed before or after its member has made it again. Each loss is told:
// with its number where none of what is gone can have been finished, else as unknown.
func TestGroupDeletedAndStreamTrimmed(t *testing.T) {
	t.Attr("suite", "faults")
	b := brokers.Need(t, brokers.Redis)
	for _, c := range []struct {
		name         string
		sent, window int
		finish, hold int // so many are finished, and so many more in hand
		late         int // so many more are finished after the last beat
		keep         int // entries that are left
		after        bool
		want         wanted
	}{
		{"before its member has read", 40, 4, 0, 0, 0, 0, false, exactly},
		{"before, all that was given being finished", 40, 4, 10, 0, 0, 0, false, exactly},
		{"before, up to the middle of what is unread", 40, 4, 10, 0, 0, 10, false, exactly},
		{"before, what was finished alone", 40, 4, 10, 0, 0, 35, false, nothing},
		{"before, handlers being at work", 40, 4, 10, 2, 0, 0, false, unknown},
		{"before, more being finished since the last beat", 40, 4, 10, 0, 4, 0, false, honest},
		{"after, all that was given being finished", 40, 4, 10, 0, 0, 0, true, exactly},
		{"after, handlers being at work", 40, 4, 10, 4, 0, 0, true, honest},
		{"after, more being finished since the last beat", 40, 4, 10, 0, 4, 0, true, honest},
		{"after, amid thousands", 4500, 100, 2100, 0, 0, 0, true, exactly},
		{"before, amid thousands", 4500, 100, 2100, 0, 0, 1100, false, exactly},
		{"after, handlers being at work amid thousands", 4500, 100, 2100, 50, 0, 1100, true, honest},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := memberOf(t, b, matrix.Topic(), driver.Spec{Member: "one", Window: c.window})
			m.store(c.sent)
			m.finish(c.finish)
			m.take(c.hold)
			m.beaten()
			m.finish(c.late)
			if c.after {
				m.eval(`return redis.call('XGROUP', 'DESTROY', KEYS[1], 'workers')`)
			} else {
				m.eval(`redis.call('XGROUP', 'DESTROY', KEYS[1], 'workers') return redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[1])`, c.keep)
			}
			m.awaitNotice(func(n driver.Notice) bool { return strings.Contains(n.Detail, "begins again at") })
			if c.after {
				m.eval(`return redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[1])`, c.keep)
			}
			m.rest()
			m.judge(c.want, c.sent)
		})
	}
}

// Members that share a group say, once it is made again, what they had in hand. When they have read that again, the number of what is trimmed is known,
// and each tells it.
func TestTrimmedAfterAllMembersAreBack(t *testing.T) {
	t.Attr("suite", "faults")
	b := brokers.Need(t, brokers.Redis)
	topic := matrix.Topic()
	one := memberOf(t, b, topic, driver.Spec{Member: "one", Window: 4})
	two := memberOf(t, b, topic, driver.Spec{Member: "two", Window: 4})
	one.store(60)
	one.finish(10)
	two.finish(10)
	one.beaten()
	one.eval(`return redis.call('XGROUP', 'DESTROY', KEYS[1], 'workers')`)
	one.until(`local f = redis.call('HKEYS', KEYS[2])
		for i = 1, #f do if string.find(f[i], '^await:') then return 0 end end
		return #redis.call('XINFO', 'GROUPS', KEYS[1])`)
	one.finish(10)
	two.finish(10)
	one.beaten()
	one.eval(`return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)`)
	told := [2]int64{one.awaitGap(), two.awaitGap()}
	if told[0] <= 0 || told[0] != told[1] {
		t.Errorf("told %d and %d", told[0], told[1])
	}
	one.rest(two)
	for id := range two.got {
		one.got[id] = true
	}
	if lost := int64(60 - len(one.got) + 1); told[0] != lost {
		t.Errorf("told of %d, and %d never came", told[0], lost)
	}
}

// Where partitions have owners, each partition's loss is told, whoever makes its group again; and it begins where its owner stood.
func TestPartitionsTrimmedBeforeTheirGroupIsMadeAgain(t *testing.T) {
	t.Attr("suite", "faults")
	b := brokers.Need(t, brokers.Redis)
	topic := matrix.Topic()
	one := memberOf(t, b, topic, driver.Spec{Member: "one", Window: 8, Partitions: 2})
	two := memberOf(t, b, topic, driver.Spec{Member: "two", Window: 8, Partitions: 2})
	for _, p := range []int{0, 1} {
		one.until(`return redis.call('EXISTS', '{'..ARGV[1]..':'..ARGV[2]..'}:herald..lease..'..ARGV[1]..'..workers')`, topic, p)
	}
	for slot := range uint8(2) {
		for i := range 20 {
			one.send(&driver.Message{ID: fmt.Sprint(slot, "-", i), Slot: slot * driver.Slots / 2, Body: []byte("{}")})
		}
	}
	for _, p := range []int{0, 1} {
		cli(t, b, "EVAL", `redis.call('XGROUP', 'DESTROY', KEYS[1], 'workers') return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)`, "1",
			fmt.Sprintf("{%s:%d}", topic, p))
	}
	missing := map[string]bool{"{" + topic + ":0}": true, "{" + topic + ":1}": true}
	timeout := time.After(patience)
	for len(missing) > 0 {
		var n driver.Notice
		select {
		case n = <-one.notices:
		case n = <-two.notices:
		case <-timeout:
			t.Fatalf("nobody is told of %v", missing)
		}
		for tag := range missing {
			if n.Kind == driver.Gap && n.Count != 0 && strings.Contains(n.Detail, tag) {
				delete(missing, tag)
				if n.Count > 20 {
					t.Errorf("told of %d of 20", n.Count)
				}
			}
		}
	}
}

// A loss that was found and not told, since the answer to the beat that found it was lost with the connection, is told by whoever is back.
func TestAFoundLossIsTold(t *testing.T) {
	t.Attr("suite", "faults")
	b := own(t)
	topic := matrix.Topic()
	one := memberOf(t, b, topic, driver.Spec{Member: "one", Window: 4})
	two := memberOf(t, b, topic, driver.Spec{Member: "two", Window: 4})
	out, err := b.Exec(t.Context(), "sh", "-c", fmt.Sprintf(`printf 'MULTI\nHINCRBY %s lost 7\nCLIENT KILL TYPE normal\nEXEC\n' | redis-cli`, one.registry()))
	if err != nil || strings.Contains(out, "ERR") {
		t.Fatalf("%v: %s", err, out)
	}
	for timeout := time.After(patience); ; {
		var n driver.Notice
		select {
		case n = <-one.notices:
		case n = <-two.notices:
		case <-timeout:
			t.Fatal("nobody is told")
		}
		if n.Kind == driver.Gap {
			if n.Count != 7 {
				t.Errorf("told %d of 7", n.Count)
			}
			return
		}
	}
}

// Everything is deleted, and the member that has made the group again never hears so: its connection is cut. The loss is told all the same, though
// its member has told of more than that before.
func TestALossIsToldThoughItsAnswerIsLost(t *testing.T) {
	t.Attr("suite", "faults")
	b := own(t)
	m := memberOf(t, b, matrix.Topic(), driver.Spec{Member: "one", Window: 4})
	m.eval(`return redis.call('HINCRBY', KEYS[2], 'vague', 3)`)
	if n := m.awaitGap(); n != -1 {
		t.Errorf("told %d", n)
	}
	out, err := b.Exec(t.Context(), "sh", "-c", fmt.Sprintf(
		`printf 'MULTI\nFLUSHALL\nXGROUP CREATE {%s} workers 0 MKSTREAM\nHINCRBY %s vague 1\nCLIENT KILL TYPE normal\nEXEC\n' | redis-cli`, m.topic, m.registry()))
	if err != nil || strings.Contains(out, "ERR") {
		t.Fatalf("%v: %s", err, out)
	}
	if n := m.awaitGap(); n != -1 {
		t.Errorf("told %d", n)
	}
}
