package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/integration/brokers"
)

// redisFlow opens a driver to a server that nobody else uses, with a topic that has a group.
func redisFlow(t *testing.T) (d *redis.Driver, spec driver.Spec, raw *goredis.Client) {
	t.Helper()
	broker := brokers.Own(t, brokers.Redis)
	cfg, err := redis.ParseURL(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	d, err = redis.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	raw = goredis.NewClient(&goredis.Options{Addr: broker.Addr()})
	t.Cleanup(func() {
		_ = d.Close(context.WithoutCancel(t.Context()))
		_ = raw.Close()
	})
	spec = driver.Spec{Topic: "flow-" + rand.Text(), Group: "g", Window: redisWindow, WindowBytes: 64 << 20}
	if err := d.Declare(t.Context(), []driver.TopicSpec{{Name: spec.Topic, Groups: []string{spec.Group}}}); err != nil {
		t.Fatal(err)
	}
	return d, spec, raw
}

// storedAll wants every message stored.
type storedAll struct {
	t  *testing.T
	wg *sync.WaitGroup
}

func (s storedAll) Done(i int, fate driver.Fate, err error) {
	if fate != driver.Stored {
		s.t.Errorf("message %d is %v: %v", i, fate, err)
	}
	s.wg.Done()
}

func redisStore(t *testing.T, d *redis.Driver, topic string, n, size int) {
	t.Helper()
	var wg sync.WaitGroup
	for sent := 0; sent < n; sent += redisBatch {
		msgs := make([]*driver.Message, min(redisBatch, n-sent))
		for i := range msgs {
			msgs[i] = &driver.Message{ID: strconv.Itoa(sent + i), Type: "order.placed", Body: make([]byte, size)}
		}
		wg.Add(len(msgs))
		d.Publisher().Send(t.Context(), driver.Address{Topic: topic}, msgs, storedAll{t, &wg})
	}
	wg.Wait()
}

// redisCalls returns how often the server has run a command.
func redisCalls(t *testing.T, c *goredis.Client, command string) int {
	t.Helper()
	info, err := c.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+)`).FindStringSubmatch(info)
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRedisReadsAndAcksManyMessagesAtOnce(t *testing.T) {
	const all, settled, most = 20_000, 4, 200
	d, spec, raw := redisFlow(t)
	redisStore(t, d, spec.Topic, all, redisBody)
	if err := raw.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	sub, err := d.Subscribe(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	for got := 0; got < all; {
		msgs, err := sub.Receive(t.Context(), redisWindow, 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		got += len(msgs)
		for len(msgs) > 0 {
			n := min(settled, len(msgs))
			outcomes := make([]driver.Outcome, n)
			for i := range outcomes {
				outcomes[i].Message = msgs[i]
			}
			sub.Settle(outcomes)
			msgs = msgs[n:]
			runtime.Gosched() // handlers let others run
		}
	}
	if err := sub.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reads, acks := redisCalls(t, raw, "xreadgroup"), redisCalls(t, raw, "xack")
	t.Logf("%d messages in %d reads and %d acks", all, reads, acks)
	if reads > most || acks > most {
		t.Errorf("%d messages take %d reads and %d acks, want %d of each at most", all, reads, acks, most)
	}
	if pending, err := raw.XPending(t.Context(), "{"+spec.Topic+"}", spec.Group).Result(); err != nil || pending.Count != 0 {
		t.Errorf("pending: %+v, %v", pending, err)
	}
}

func TestRedisMemoryIsFlatWhileAMessageIsStuck(t *testing.T) {
	const rounds, each, most = 5, 10_000, 8 << 20
	d, spec, _ := redisFlow(t)
	sub, err := d.Subscribe(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var stuck *driver.Message
	var heap []uint64
	for range rounds {
		redisStore(t, d, spec.Topic, each, redisBody)
		for got := 0; got < each; {
			msgs, err := sub.Receive(t.Context(), redisWindow, 64<<20)
			if err != nil {
				t.Fatal(err)
			}
			got += len(msgs)
			if stuck == nil {
				stuck, msgs = msgs[0], msgs[1:]
			}
			outcomes := make([]driver.Outcome, len(msgs))
			for i := range outcomes {
				outcomes[i].Message = msgs[i]
			}
			sub.Settle(outcomes)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap = append(heap, m.HeapAlloc)
	}
	t.Log("heap after each round:", fmt.Sprint(heap))
	if last := heap[len(heap)-1]; last > heap[0]+most {
		t.Errorf("with one message in hand the heap grows: %d", heap)
	}
	sub.Settle([]driver.Outcome{{Message: stuck}})
	if err := sub.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
