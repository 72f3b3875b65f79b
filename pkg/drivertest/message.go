package drivertest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// carried is what must arrive of a message as it was sent.
type carried struct {
	ID, Type, Key, ContentType string
	Time                       time.Time
	Slot                       uint8
	Headers                    []driver.Header
	Body                       string
}

// native are the headers that a driver may write for want of a field.
var native = []string{
	driver.HeaderID, driver.HeaderType, driver.HeaderKey, driver.HeaderSlot, driver.HeaderTime, driver.HeaderNotBefore,
}

// carry copies what must arrive. Headers are compared by key, since not every broker keeps their order.
func carry(m *driver.Message) carried {
	c := carried{
		ID: m.ID, Type: m.Type, Key: m.Key, ContentType: m.ContentType, Time: m.Time.UTC().Round(0), Slot: m.Slot,
		Body: string(bytes.Clone(m.Body)),
	}
	for _, h := range m.Headers {
		if !slices.Contains(native, h.Key) {
			c.Headers = append(c.Headers, h)
		}
	}
	slices.SortStableFunc(c.Headers, func(a, b driver.Header) int { return cmp.Compare(a.Key, b.Key) })
	return c
}

func carryAll(msgs []*driver.Message) []carried {
	all := make([]carried, len(msgs))
	for i, m := range msgs {
		all[i] = carry(m)
	}
	return all
}

// diff says in which attributes two differ, or "".
func (c carried) diff(got carried) string {
	var d string
	note := func(name string, want, have any) {
		d += fmt.Sprintf(" %s is %s, want %s;", name, brief(have), brief(want))
	}
	if c.ID != got.ID {
		note("ID", c.ID, got.ID)
	}
	if c.Type != got.Type {
		note("Type", c.Type, got.Type)
	}
	if c.Key != got.Key {
		note("Key", c.Key, got.Key)
	}
	if c.ContentType != got.ContentType {
		note("ContentType", c.ContentType, got.ContentType)
	}
	if !c.Time.Equal(got.Time) {
		note("Time", c.Time, got.Time)
	}
	if c.Slot != got.Slot {
		note("Slot", c.Slot, got.Slot)
	}
	if !slices.Equal(c.Headers, got.Headers) {
		note("Headers", c.Headers, got.Headers)
	}
	if c.Body != got.Body {
		note("Body", c.Body, got.Body)
	}
	return d
}

func brief(v any) string {
	s := fmt.Sprintf("%q", fmt.Sprint(v))
	if len(s) > 120 {
		return fmt.Sprintf("%s… (%d)", s[:100], len(s))
	}
	return s
}

func ids(msgs []*driver.Message) []string {
	all := make([]string, len(msgs))
	for i, m := range msgs {
		all[i] = m.ID
	}
	return all
}

func idsOf(cs []carried) []string {
	all := make([]string, len(cs))
	for i, c := range cs {
		all[i] = c.ID
	}
	return all
}

// same demands that exactly these came, each once, in any order.
func (f *fixture) same(what string, want, got []string) {
	f.Helper()
	count := map[string]int{}
	for _, id := range got {
		count[id]++
	}
	var lost, twice, strange []string
	for _, id := range want {
		switch n := count[id]; {
		case n == 0:
			lost = append(lost, id)
		case n > 1:
			twice = append(twice, id)
		}
		delete(count, id)
	}
	for id := range count {
		strange = append(strange, id)
	}
	if len(lost)+len(twice)+len(strange) > 0 {
		f.Errorf("%s: %d missing %v, %d more than once %v, %d unexpected %v", what,
			len(lost), few(lost), len(twice), few(twice), len(strange), few(strange))
	}
}

// ordered demands that these came in this order and nothing else.
func (f *fixture) ordered(what string, want, got []string) {
	f.Helper()
	if slices.Equal(want, got) {
		return
	}
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			f.Errorf("%s: number %d is %s, want %s (%d of %d came)", what, i, got[i], want[i], len(got), len(want))
			return
		}
	}
	f.Errorf("%s: %d came, want %d", what, len(got), len(want))
}

// unchanged demands that each came as it was sent, in any order.
func (f *fixture) unchanged(want, got []carried) {
	f.Helper()
	f.same("what came", idsOf(want), idsOf(got))
	byID := map[string]carried{}
	for _, c := range got {
		byID[c.ID] = c
	}
	for _, w := range want {
		g, ok := byID[w.ID]
		if !ok {
			continue
		}
		if d := w.diff(g); d != "" {
			f.Errorf("%s did not come as it was sent:%s", w.ID, d)
		}
	}
}

func few(s []string) []string {
	slices.Sort(s)
	return s[:min(len(s), 5)]
}
