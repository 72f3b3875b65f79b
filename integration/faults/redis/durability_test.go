package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// durable opens a driver with a durability, and a topic with a group; publish sends one message.
func durable(t *testing.T, url, durability string) (d *redis.Driver, publish func() (driver.Fate, error)) {
	t.Helper()
	cfg, err := redis.ParseURL(url)
	must(t, err)
	cfg.Durability, cfg.Timeout = durability, 2*time.Second
	if durability == redis.DurabilityAOF {
		cfg.Timeout = patience // half of it is for an fsync that may be a second away, and long on a busy disk
	}
	d, err = redis.New(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close(context.WithoutCancel(t.Context()))) })
	topic := matrix.Topic()
	must(t, d.Declare(t.Context(), []driver.TopicSpec{{Name: topic, Groups: []string{"g"}}}))
	return d, func() (driver.Fate, error) {
		told := make(fates, 1) // Done must not block
		d.Publisher().Send(t.Context(), driver.Address{Topic: topic}, []*driver.Message{{Body: []byte("{}")}}, told)
		f := <-told
		return f.fate, f.err
	}
}

type fate struct {
	fate driver.Fate
	err  error
}

type fates chan fate

func (f fates) Done(_ int, what driver.Fate, err error) { f <- fate{what, err} }

// With durability aof an ack has waited for the server's fsync, though its own policy syncs later; a server without a file is refused.
func TestDurabilityAOF(t *testing.T) {
	b := own(t, brokers.Setting("appendfsync", "everysec"))
	d, publish := durable(t, b.URL(), redis.DurabilityAOF)
	if got := d.Capabilities().Durability; got != driver.DurableDisk {
		t.Errorf("durability is %v, want %v", got, driver.DurableDisk)
	}
	before := cli(t, b, "INFO", "commandstats")
	if what, err := publish(); what != driver.Stored {
		t.Errorf("publish: %v, %v", what, err)
	}
	if after := cli(t, b, "INFO", "commandstats"); !strings.Contains(after, "cmdstat_waitaof") || strings.Contains(before, "cmdstat_waitaof") {
		t.Error("the server was not asked to sync")
	}
	cli(t, b, "CONFIG", "SET", "appendonly", "no")
	if what, err := publish(); what != driver.Unconfirmed {
		t.Errorf("publish to a server that has no file any more: %v, %v, want unconfirmed", what, err)
	}
	cfg, err := redis.ParseURL(b.URL() + "?durability=aof")
	must(t, err)
	if _, err := redis.New(t.Context(), cfg); !errors.Is(err, driver.ErrUnsupported) {
		t.Errorf("open: %v, want unsupported", err)
	}
}

// With replicas:n an ack has waited for n replicas; with fewer the outcome is unconfirmed, and in time.
func TestDurabilityReplicas(t *testing.T) {
	f := gather(t, 2)
	f.start(0)
	f.start(1)
	f.cli(1, "replicaof", "127.0.0.1", f.ports[0])
	f.until(0, "connected_slaves:1", "info", "replication")
	f.until(1, "master_link_status:up", "info", "replication")
	d, publish := durable(t, "redis://"+f.addr(0), "replicas:1")
	if got := d.Capabilities().Durability; got != driver.DurableReplicated {
		t.Errorf("durability is %v, want %v", got, driver.DurableReplicated)
	}
	what, err := publish()
	for began := time.Now(); what == driver.Unconfirmed && time.Since(began) < patience; { // the replica stood still for a moment
		what, err = publish()
	}
	if what != driver.Stored {
		t.Errorf("publish: %v, %v", what, err)
	}
	f.cli(1, "replicaof", "no", "one")
	f.until(0, "connected_slaves:0", "info", "replication")
	began := time.Now()
	what, err = publish()
	if took := time.Since(began); what != driver.Unconfirmed || took > atOnce {
		t.Errorf("publish without a replica: %v, %v after %v, want unconfirmed in time", what, err, took)
	}
}
