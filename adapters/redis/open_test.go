package redis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

func TestServersThatAreTooOldAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, durability string
		pubsub, refused     bool
	}{
		{version: "6.2.7", refused: true},
		{version: "6.2.7", pubsub: true},
		{version: "7.0.15"},
		{version: "7.0.15", durability: redis.DurabilityAOF, refused: true},
		{version: "7.2.0", durability: redis.DurabilityAOF},
		{version: "10.0.0", durability: redis.DurabilityAOF},
		{version: "of its own"},
	} {
		f := &fake{version: c.version, answer: withGroup(func([]string) string { return bulk("1-0") })}
		d, err := redis.New(t.Context(), redis.Config{Dial: f.dial, Timeout: time.Minute, PubSub: c.pubsub, Durability: c.durability})
		if err == nil {
			t.Cleanup(func() { _ = d.Close(context.Background()) })
		}
		if errors.Is(err, driver.ErrUnsupported) != c.refused || err != nil && !c.refused {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// printed is what the client library would print.
type printed struct {
	mu    sync.Mutex
	lines []string
}

func (p *printed) Printf(_ context.Context, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// It is not parallel, since the client library has one logger for all.
func TestNothingIsPrintedWhenNobodyListens(t *testing.T) {
	var p printed
	goredis.SetLogger(&p)
	f := &fake{answer: withGroup(func([]string) string { return bulk("1-0") }), away: true}
	for _, change := range []func(*redis.Config){
		func(*redis.Config) {},
		func(c *redis.Config) { c.Cluster = true },
		func(c *redis.Config) { c.Master = "main" },
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			cfg := redis.Config{Dial: f.dial, Timeout: time.Second}
			change(&cfg)
			if _, err := redis.New(ctx, cfg); !errors.Is(err, errAway) {
				t.Errorf("open is %v, want %v", err, errAway)
			}
		})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) > 0 {
		t.Errorf("printed:\n%s", strings.Join(p.lines, "\n"))
	}
}

// A server that takes the first lines of TLS for a command that is not complete never answers.
func TestAServerWithoutTLSIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := redis.New(ctx, redis.Config{TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Timeout: 50 * time.Millisecond, Dial: silent})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "TLS handshake") {
			t.Errorf("open is %v, want what it waited for", err)
		}
	})
}

// silent dials somebody who reads and says nothing.
func silent(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }() // until near is closed
	return near, nil
}

// overheard keeps what is written.
type overheard struct {
	net.Conn
	mu     *sync.Mutex
	writes *[]string
}

func (o overheard) Write(p []byte) (int, error) {
	o.mu.Lock()
	*o.writes = append(*o.writes, string(p))
	o.mu.Unlock()
	return o.Conn.Write(p)
}

func TestOpeningAsksForAllItWantsToKnowAtOnce(t *testing.T) {
	t.Parallel()
	f := &fake{answer: withGroup(func([]string) string { return bulk("1-0") })}
	var mu sync.Mutex
	var writes []string
	d, err := redis.New(t.Context(), redis.Config{Timeout: time.Minute, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := f.dial(ctx, network, address)
		return overheard{c, &mu, &writes}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close(context.Background()) })
	mu.Lock()
	defer mu.Unlock()
	asked := []int{}
	for _, w := range writes {
		if n := strings.Count(w, "config") + strings.Count(w, "info"); n > 0 {
			asked = append(asked, n)
		}
	}
	if len(asked) != 1 || asked[0] != 6 {
		t.Errorf("asks %v things in as many round trips, want 6 in one", asked)
	}
}
