package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/pkg/driver"
)

// cutter breaks some connections in the middle of a write.
type cutter struct {
	net.Conn
	mu     *sync.Mutex
	writes *int
}

func (c *cutter) Write(b []byte) (int, error) {
	c.mu.Lock()
	*c.writes++
	cut := *c.writes%13 == 0
	c.mu.Unlock()
	if !cut {
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:len(b)/2])
	_ = c.Conn.Close()
	return n, errors.New("cut in the middle")
}

// logOf returns what a broker holds after these attempts, by partition: each (producer, epoch, sequence) once. It fails the test where one
// is not sent again as it was before.
func logOf(t *testing.T, all []attempt) map[int][]string {
	t.Helper()
	type place struct {
		partition int
		producer  producer
		sequence  int32
	}
	first := map[place]string{}
	log := map[int][]string{}
	for _, a := range all {
		at := place{a.partition, a.producer, a.sequence}
		before, again := first[at]
		if again && before != a.bytes {
			t.Errorf("the sequence %d of partition %d was sent with other bytes before", a.sequence, a.partition)
		}
		if again {
			continue
		}
		first[at] = a.bytes
		if want := len(log[a.partition]); int(a.sequence) != want || len(a.ids) == 0 {
			t.Errorf("partition %d got %d messages with the sequence %d, want some with %d", a.partition, len(a.ids), a.sequence, want)
		}
		log[a.partition] = append(log[a.partition], a.ids...)
	}
	return log
}

// With -race this shows too that nobody reads a batch's memory any more when it is used again.
func TestBatches_AreNotUsedAgainBeforeTheirFate(t *testing.T) {
	t.Parallel()
	const partitions, publishers, rounds, size = 4, 8, 40, 10
	synctest.Test(t, func(t *testing.T) {
		f := newFake(partitions)
		count := 0
		f.answer = func(attempt) verdict {
			count++
			return verdict{hangUp: count%7 == 0}
		}
		var mu sync.Mutex
		writes := 0
		d, err := New(t.Context(), Config{Brokers: []string{"fake:9092"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := f.Dial(ctx, network, address)
			return &cutter{c, &mu, &writes}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := map[int][]string{}
		for p := range publishers {
			key := fmt.Sprint("key-", p)
			for i := range rounds * size {
				number := partitionOf(key, partitions)
				want[number] = append(want[number], fmt.Sprintf("%s/%d", key, i))
			}
		}
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() { publishAll(t, d, fmt.Sprint("key-", p), rounds, size) })
		}
		wg.Wait()
		got := logOf(t, f.seen())
		for p := range partitions {
			if len(got[p]) != len(want[p]) || !sameOrderByKey(got[p], want[p]) {
				t.Errorf("partition %d holds %d messages, want %d in the order of their keys", p, len(got[p]), len(want[p]))
			}
		}
		if err := d.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		f.pumps.Wait()
	})
}

// publishAll sends rounds of a few messages, each after the one before was stored.
func publishAll(t *testing.T, d *Driver, key string, rounds, size int) {
	for r := range rounds {
		res := &fates{got: map[string]driver.Fate{}, errs: map[string]error{}}
		all := &untilAll{fates: res, left: size, all: make(chan struct{})}
		for i := range size {
			id := fmt.Sprintf("%s/%d", key, r*size+i)
			res.ids = append(res.ids, id)
			res.msgs = append(res.msgs, &driver.Message{ID: id, Key: key, Body: make([]byte, 10+97*i)})
		}
		d.Publisher().Send(t.Context(), driver.Address{Topic: fakeTopic}, res.msgs, all)
		<-all.all
		for _, id := range res.ids {
			if fate := res.of(id); fate != driver.Stored {
				t.Errorf("%s is %v (%v)", id, fate, res.errs[id])
			}
		}
	}
}

// untilAll tells when all have their fates.
type untilAll struct {
	*fates
	left int
	all  chan struct{}
}

func (u *untilAll) Done(i int, fate driver.Fate, err error) {
	u.fates.Done(i, fate, err)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.left--; u.left == 0 {
		close(u.all)
	}
}

// sameOrderByKey compares what was stored with what was sent, key by key.
func sameOrderByKey(got, want []string) bool {
	byKey := func(ids []string) []string {
		sorted := slices.Clone(ids)
		slices.SortStableFunc(sorted, func(a, b string) int {
			return slices.Compare([]byte(a[:len("key-0")]), []byte(b[:len("key-0")]))
		})
		return sorted
	}
	return slices.Equal(byKey(got), byKey(want))
}
