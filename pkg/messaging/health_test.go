package messaging_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path) //nolint:gosec // a name of the test's own
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestReady_FollowsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notices []driver.NoticeKind
		s := newShop(t, memory.Config{}, messaging.WithHooks(messaging.Hooks{Notice: func(n messaging.Notice) {
			if n.Topic == "" {
				notices = append(notices, n.Kind)
			}
		}}))
		s.subscribe(nothing)
		for range 2 {
			if err := errors.Join(s.Live(), s.Ready()); err != nil {
				t.Errorf("connected: %v", err)
			}
			s.server.Disconnect()
			synctest.Wait()
			if err := s.Live(); err != nil {
				t.Errorf("a broker that is away ends nobody's life: %v", err)
			}
			err := s.Ready()
			refused(t, "disconnected", err, messaging.ErrUnavailable, "ready: ", driver.ErrDisconnected.Error())
			s.server.Reconnect()
			synctest.Wait()
		}
		if err := s.Ready(); err != nil {
			t.Errorf("connected again: %v", err)
		}
		want := []driver.NoticeKind{messaging.Connected, messaging.Disconnected, messaging.Connected, messaging.Disconnected, messaging.Connected}
		if !reflect.DeepEqual(notices, want) {
			t.Errorf("notices %v, want %v", notices, want)
		}
	})
}

func TestReady_RedWhileDrainingAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		release := make(chan struct{})
		s.subscribe(func(context.Context, *messaging.Delivery) error { <-release; return nil })
		s.put("x")
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- s.Close(t.Context()) }()
		synctest.Wait()
		refused(t, "draining", s.Ready(), messaging.ErrDraining, "ready: draining")
		if err := s.Live(); err != nil {
			t.Errorf("alive while draining: %v", err)
		}
		close(release)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		refused(t, "closed", s.Ready(), messaging.ErrClosed, "ready: ")
		refused(t, "closed", s.Live(), messaging.ErrClosed, "live: ")
	})
}

// failing is a driver whose subscriptions fail for good when told to.
type failing struct {
	*line
	fail chan error
}

func (d failing) Subscribe(context.Context, driver.Spec) (driver.Subscription, error) { return d, nil }
func (d failing) Settle([]driver.Outcome)                                             {}
func (d failing) Stop()                                                               {}

// Receive implements driver.Subscription.
func (d failing) Receive(ctx context.Context, _, _ int) ([]*driver.Message, error) {
	select {
	case err := <-d.fail:
		return nil, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// native makes every feature native.
func native() driver.Capabilities {
	all := map[driver.Feature]driver.Capability{}
	for _, f := range []driver.Feature{
		driver.FeatureGroups, driver.FeatureBroadcast, driver.FeatureInbox, driver.FeatureLog, driver.FeatureDelay,
		driver.FeatureHistory, driver.FeatureStart, driver.FeatureReset, driver.FeatureKeep, driver.FeatureReplicaOrder,
	} {
		all[f] = driver.Capability{Level: driver.Native}
	}
	return driver.Capabilities{Features: all}
}

func TestReady_RedOnceASubscriptionHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := failing{&line{caps: native()}, make(chan error)}
		b, err := messaging.New(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.Subscribe(t.Context(), "orders", nothing, messaging.Group("g"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(b.Ready(), s.Err()); err != nil {
			t.Errorf("before: %v", err)
		}
		ran := make(chan error, 1)
		go func() { ran <- b.Run(t.Context()) }()
		d.fail <- errClient
		if err := <-ran; !errors.Is(err, errClient) {
			t.Errorf("Run returned %v", err)
		}
		refused(t, "the subscription", s.Err(), errClient, "receive orders: ")
		refused(t, "after Run", b.Ready(), messaging.ErrClosed)
		<-s.Done()
	})
	synctest.Test(t, func(t *testing.T) {
		d := failing{&line{caps: native()}, make(chan error, 1)}
		b := d.line.broker(t)
		_ = b
		over, err := messaging.New(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := over.Subscribe(t.Context(), "orders", nothing, messaging.Group("g")); err != nil {
			t.Fatal(err)
		}
		d.fail <- errClient
		synctest.Wait()
		refused(t, "after the failure", over.Ready(), errClient, "ready: receive orders: ")
		if err := over.Live(); err != nil {
			t.Errorf("alive: %v", err)
		}
		if err := over.Close(t.Context()); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

func TestGap_IsCountedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gaps []int64
		s := newShop(t, memory.Config{MaxCount: 3}, messaging.WithHooks(messaging.Hooks{Notice: func(n messaging.Notice) {
			if n.Kind == messaging.Gap {
				gaps = append(gaps, n.Count)
			}
		}}), messaging.WithConfig(messaging.Config{Topics: []messaging.Topic{{Name: "orders", Groups: []string{"billing"}}}}))
		s.put("1", "2", "3", "4", "5")
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error { s.saw("%s", d.Data); return nil }, messaging.Concurrency(1))
		s.want("3", "4", "5")
		if want := []int64{2}; !reflect.DeepEqual(gaps, want) || s.Stats().Gaps != 2 {
			t.Errorf("gaps %v, counted %d, want %v", gaps, s.Stats().Gaps, want)
		}
	})
}

func TestLag_CountsWhatIsUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		release := make(chan struct{})
		s.subscribe(func(context.Context, *messaging.Delivery) error { <-release; return nil }, messaging.Concurrency(1))
		s.put("1", "2")
		time.Sleep(time.Minute)
		lag, err := s.Lag(t.Context(), "orders", "billing")
		if want := (messaging.Lag{Count: 2, Age: time.Minute}); err != nil || lag != want {
			t.Errorf("lag %+v, %v, want %+v", lag, err, want)
		}
		close(release)
		synctest.Wait()
		if lag, err := s.Lag(t.Context(), "orders", "billing"); err != nil || lag != (messaging.Lag{}) {
			t.Errorf("lag %+v, %v, want none", lag, err)
		}
		_, err = s.Lag(t.Context(), "orders", "nobody")
		refused(t, "an unknown group", err, driver.ErrUnknownTopic, "lag orders: ")
	})
	_, err := (&line{}).broker(t).Lag(t.Context(), "orders", "g")
	refused(t, "a driver without lag", err, messaging.ErrUnsupported, "lag orders: ")
}

func TestReport_IsATableForPeople(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, like := range []string{"", memory.LikeRabbitMQ, memory.LikeKafka} {
		d := connect(t, memory.Config{Like: like})
		b, err := messaging.New(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close(context.Background()) })
		all.WriteString(messaging.Report(b.Capabilities()) + "\n")
	}
	all.WriteString(messaging.Report(driver.Capabilities{Broker: "bare", Durability: driver.DurableDisk}))
	golden(t, "report.txt", all.String())
}
