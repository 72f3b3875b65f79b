package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
	"github.com/herald-go/herald/integration/load"
)

// cluster is three brokers, each a controller too, that keep a copy of everything and want two of them.
type cluster [3]*brokers.Broker

// three starts a cluster of processes of this machine: they find each other over loopback, as containers can't.
func three(t *testing.T) *cluster {
	t.Helper()
	t.Attr("suite", "faults")
	voters := make([]string, 3)
	ports := controllers(t)
	for i, port := range ports {
		voters[i] = fmt.Sprintf("%d@127.0.0.1:%s", i+1, port)
	}
	c := &cluster{}
	var starting sync.WaitGroup
	for i := range c {
		opts := []brokers.Option{brokers.From("local")}
		for key, value := range map[string]string{
			"node.id": strconv.Itoa(i + 1), "controller.quorum.voters": strings.Join(voters, ","),
			"listeners": "CONTROLLER://127.0.0.1:" + ports[i] + ",PLAINTEXT://127.0.0.1:{port}", "default.replication.factor": "3",
			"min.insync.replicas": "2", "offsets.topic.replication.factor": "3", "broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500",
		} {
			opts = append(opts, brokers.Setting(key, value))
		}
		starting.Go(func() { c[i] = brokers.Own(t, brokers.Kafka, opts...) }) // none serves before the others are there
	}
	starting.Wait()
	for _, b := range c {
		if b == nil { // Own has said why, and could end its own goroutine alone
			t.Skip("no three Kafka brokers, as said above")
		}
	}
	return c
}

// controllers returns three ports, below those that the harness and the kernel give out. They are drawn: another run on this machine, which looks
// for ports while a broker of this one is down, would find the lowest free again.
func controllers(t *testing.T) []string {
	t.Helper()
	const first, last = 12_000, 20_000
	var free []string
	for len(free) < 3 {
		port := strconv.Itoa(first + rand.IntN(last-first))
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			must(t, t.Context().Err())
			continue
		}
		must(t, l.Close())
		if !slices.Contains(free, port) {
			free = append(free, port)
		}
	}
	return free
}

// url names all three.
func (c *cluster) url() string {
	return "kafka://" + strings.Join([]string{c[0].Addr(), c[1].Addr(), c[2].Addr()}, ",")
}

func (c *cluster) open(ctx context.Context, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := kafka.ParseURL(c.url())
	if err != nil {
		return nil, err
	}
	cfg.Session, cfg.Heartbeat, cfg.RequestTimeout = session, 500*time.Millisecond, 3*time.Second
	return kafka.OpenConfig(ctx, cfg, opts...)
}

// leader returns the broker that leads a topic's first partition.
func (c *cluster) leader(t *testing.T, topic string) *brokers.Broker {
	t.Helper()
	out := tool(t, c[0], "kafka-topics", "--describe", "--topic", topic)
	_, line, _ := strings.Cut(out, "Partition: 0")
	_, number, _ := strings.Cut(line, "Leader: ")
	id, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(number, "\t", 2)[0]))
	if err != nil || id < 1 || id > len(c) {
		t.Fatalf("no leader in %s", out)
	}
	return c[id-1]
}

// Rows 21, 22 and 24, on a cluster of three.
func TestThreeBrokers(t *testing.T) {
	c := three(t)
	t.Run("a leader is killed", func(t *testing.T) { leaderKilled(t, c) })
	t.Run("too few replicas", func(t *testing.T) { tooFewReplicas(t, c) })
	t.Run("two of three are killed", func(t *testing.T) { twoKilled(t, c) })
}

// twoKilled leaves one broker of three, which is too few to store anything and too few to elect anybody. Nothing is acked meanwhile, each Publish
// returns by its deadline and says that the event may be stored or is not, and with the two all goes on.
func twoKilled(t *testing.T, c *cluster) {
	topic := matrix.Topic()
	spec := messaging.Topic{Partitions: 3, Groups: []string{"workers"}}
	l := load.Start(t, load.Config{Topic: topic, Members: 2, Keys: 24, Ordered: true, Spec: spec, Open: c.open})
	l.Await(200)
	const limit = 3 * time.Second
	l.Hurt(func() {
		must(t, errors.Join(c[0].Kill(t.Context()), c[1].Kill(t.Context())))
		late := 0
		for range 5 {
			took, err := l.Try(limit)
			if !errors.Is(err, messaging.ErrUnconfirmed) && !errors.Is(err, messaging.ErrUnavailable) {
				t.Errorf("one of three is there: publish says %v after %v", err, took)
			}
			if took > limit+time.Second {
				late++
			}
		}
		if late > 2 { // a machine that stands still for a moment does not do so each time
			t.Errorf("one of three is there: publish is late %d times of 5", late)
		}
		var starting sync.WaitGroup
		for _, b := range c[:2] { // neither serves before the other is there
			starting.Go(func() {
				if err := b.Start(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		starting.Wait()
	})
	t.Logf("traffic again after %v", l.Recover(30*time.Second))
	l.Finish()
}

// leaderKilled kills the leader of one of three partitions, which may well coordinate the group or lead the controllers too, and lets it
// come back and lead again. Nothing that was acked is lost, and no key's order breaks.
func leaderKilled(t *testing.T, c *cluster) {
	topic := matrix.Topic()
	spec := messaging.Topic{Partitions: 3, Groups: []string{"workers"}}
	l := load.Start(t, load.Config{Topic: topic, Members: 2, Keys: 24, Ordered: true, Spec: spec, Open: c.open})
	l.Await(200)
	leader := c.leader(t, topic)
	l.Hurt(func() { must(t, leader.Kill(t.Context())) })
	t.Logf("traffic again after %v", l.Recover(20*time.Second))
	l.Await(200)
	l.Hurt(func() {
		must(t, leader.Start(t.Context()))
		until(t, "the leader leads again", func() bool { // not before it holds what the others have got meanwhile
			_, err := c[0].Exec(t.Context(), "kafka-leader-election", "--bootstrap-server", c[0].Inside(), "--election-type", "preferred", "--all-topic-partitions")
			return err == nil
		})
	})
	l.Recover(20 * time.Second)
	l.Finish()
}

// tooFewReplicas wants one replica more than there are. Publish says so, and nothing is marked as stored; with the replica all is well again.
func tooFewReplicas(t *testing.T, c *cluster) {
	topic := matrix.Topic()
	cfg := messaging.Config{Topics: []messaging.Topic{{Name: topic, Partitions: 1, Groups: []string{"g"}}}}
	broker, err := c.open(t.Context(), messaging.WithConfig(cfg))
	must(t, err)
	defer func() { must(t, broker.Close(context.WithoutCancel(t.Context()))) }()
	publish := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return broker.Publish(ctx, topic, envelope.New("thing.done", []byte("{}")))
	}
	must(t, publish(30*time.Second))
	tool(t, c[0], "kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", "min.insync.replicas=3")
	leader := c.leader(t, topic)
	must(t, leader.Kill(t.Context()))
	// Until the cluster has noticed, the batch may be in the log of the leader: nobody knows. Then it is refused.
	for began := time.Now(); err == nil || !errors.Is(err, messaging.ErrUnavailable); {
		err = publish(15 * time.Second)
		if err == nil || time.Since(began) > time.Minute {
			t.Fatalf("two of three replicas are there: publish says %v, want unavailable", err)
		}
	}
	t.Log(err)
	must(t, leader.Start(t.Context()))
	// It serves before it holds what the others have got meanwhile.
	for began := time.Now(); err != nil; {
		err = publish(30 * time.Second)
		known := err == nil || errors.Is(err, messaging.ErrUnavailable) || errors.Is(err, messaging.ErrUnconfirmed)
		if !known || err != nil && time.Since(began) > time.Minute {
			t.Fatalf("the third is there again: publish says %v", err)
		}
	}
}
