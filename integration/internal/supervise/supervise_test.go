package supervise_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
	"github.com/herald-go/herald/integration/internal/supervise"
)

const patience = 2 * time.Minute

// open returns a supervisor that is closed with the test.
func open(t *testing.T) *supervise.Supervisor {
	t.Helper()
	s, err := supervise.Open(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dir := strings.TrimSuffix(s.Socket(), "/socket")
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	})
	return s
}

func ask(t *testing.T, s *supervise.Supervisor, r supervise.Request) (supervise.Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return supervise.Ask(ctx, s.Socket(), r)
}

// redis asks for one. Where there is none the test says so.
func redis(t *testing.T, s *supervise.Supervisor, r supervise.Request) source.Broker {
	t.Helper()
	r.Order.Kind = source.Redis
	a, err := ask(t, s, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Attr("broker", "redis")
	if a.NotRun != "" {
		t.Attr("why", a.NotRun)
		t.Skipf("no redis: %s", a.NotRun)
	}
	t.Attr("version", a.Broker.Version)
	t.Attr("origin", a.Broker.Origin)
	return a.Broker
}

func TestSupervisor_EndsWhatAProcessOwnsWithIt(t *testing.T) {
	t.Parallel()
	s := open(t)
	leases := map[string]net.Conn{}
	for _, holder := range []string{"stays", "goes"} {
		conn, err := supervise.Connect(t.Context(), s.Socket())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := supervise.Hold(conn, holder); err != nil {
			t.Fatal(err)
		}
		leases[holder] = conn
	}
	stays := redis(t, s, supervise.Request{Verb: supervise.VerbOwn, Holder: "stays"})
	shared := redis(t, s, supervise.Request{Verb: supervise.VerbNeed})
	redis(t, s, supervise.Request{Verb: supervise.VerbOwn, Holder: "goes"})
	_ = leases["goes"].Close()
	for deadline := time.Now().Add(patience); ; {
		a, err := ask(t, s, supervise.Request{Verb: supervise.VerbRunning})
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Running) == 2 {
			for _, b := range a.Running {
				if b.ID != stays.ID && b.ID != shared.ID {
					t.Errorf("%s still runs", b.ID)
				}
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d brokers still run", len(a.Running))
		}
	}
}

func TestSupervisor_StartsASharedBrokerOnceForAll(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := redis(t, s, supervise.Request{Verb: supervise.VerbNeed})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			a, err := supervise.Ask(t.Context(), s.Socket(), supervise.Request{Verb: supervise.VerbNeed, Order: source.Order{Kind: source.Redis}})
			if err != nil || a.Broker.ID != first.ID {
				t.Errorf("got %+v, %v; want %s", a, err, first.ID)
			}
		})
	}
	all.Wait()
}

func TestSupervisor_AnswersWhatItCantDo(t *testing.T) {
	t.Parallel()
	s := open(t)
	for want, r := range map[string]supervise.Request{
		`there is no broker "redis-9"`: {Verb: supervise.VerbKill, ID: "redis-9"},
		`there is no broker ""`:        {Verb: "dance"},
	} {
		if _, err := ask(t, s, r); err == nil || err.Error() != want {
			t.Errorf("%+v: got %v, want %s", r, err, want)
		}
	}
}

func TestClose_ComesThroughWhileRequestsAreUnderWay(t *testing.T) {
	t.Parallel()
	s, err := supervise.Open(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	idle, err := supervise.Connect(t.Context(), s.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := supervise.Ask(t.Context(), s.Socket(), supervise.Request{Verb: supervise.VerbNeed, Order: source.Order{Kind: source.RabbitMQ}})
		answered <- err
	}()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	<-answered // whatever the answer
}
