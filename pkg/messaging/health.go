package messaging

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/herald-go/herald/pkg/driver"
)

// counters count what happened since the broker was opened.
type counters struct {
	published, unpublished, handled, settled, failed, retried, later, dead, discarded, skipped, released, stuck, gaps atomic.Int64
}

// Stats are counts since the broker was opened.
type Stats struct {
	// Published is how many events were given to Publish, Unpublished how many of them were not stored for sure.
	Published, Unpublished int64
	// Handled is how many events handlers finished, Settled how many acks the broker has taken.
	Handled, Settled int64
	// Failed is how many attempts failed, Retried how many attempts followed, Later how many of those went through an inbox.
	Failed, Retried, Later int64
	// Dead is how many dead letters were stored, Discarded how many events were dropped.
	Dead, Discarded int64
	// Skipped is how many events a filter skipped here, Released how many were given back.
	Skipped, Released int64
	// Stuck is how many reports there were of stuck handlers, Gaps how many events are known to be missed.
	Stuck, Gaps int64
}

// Stats returns the counts. It never blocks.
func (b *Broker) Stats() Stats {
	c := &b.stats
	return Stats{
		Published: c.published.Load(), Unpublished: c.unpublished.Load(), Handled: c.handled.Load(), Settled: c.settled.Load(),
		Failed: c.failed.Load(), Retried: c.retried.Load(), Later: c.later.Load(), Dead: c.dead.Load(), Discarded: c.discarded.Load(),
		Skipped: c.skipped.Load(), Released: c.released.Load(), Stuck: c.stuck.Load(), Gaps: c.gaps.Load(),
	}
}

// notice takes what the driver tells.
func (b *Broker) notice(n Notice) {
	switch n.Kind {
	case driver.Connected:
		b.setDisconnected(n, nil)
	case driver.Disconnected:
		err := n.Err
		if err == nil {
			err = errors.New("the broker is away")
		}
		b.setDisconnected(n, err)
		b.log.Warn("disconnected", "err", err)
	case driver.Gap:
		b.stats.gaps.Add(max(n.Count, 0))
		b.log.Error("gap: events are gone that were never handled", "topic", n.Topic, "group", n.Group, "count", n.Count, "detail", n.Detail)
	default:
		b.log.Info("notice", "topic", n.Topic, "group", n.Group, "detail", n.Detail)
	}
	if b.hooks.Notice != nil {
		b.hooks.Notice(n)
	}
}

// place is what a notice is about: a subscription, or, when both are empty, the connection.
type place struct{ topic, group string }

func (b *Broker) setDisconnected(n Notice, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := place{n.Topic, n.Group}
	if err == nil {
		delete(b.disconnected, at)
		return
	}
	b.disconnected[at] = err
}

// Live returns nil unless the broker is closed. It never depends on the broker: a process that waits for one to come back must not be
// restarted for it. It never blocks.
func (b *Broker) Live() error {
	if b.closed.Load() {
		return b.wrap("live", "", ErrClosed)
	}
	return nil
}

// Ready returns nil when events can be published and handled: the broker answers, nothing drains, no subscription has failed for good, and
// every group of Config.Topics is there; a group that is missing is an ErrUnknownTopic that names its topic and the group. It never blocks
// where Config.Topics has no groups. Where it has, the broker is asked for them at most every ten seconds, and only by a call of Ready, which
// waits for the answer half a second at most; while there is none, the one before stands.
func (b *Broker) Ready() error {
	if err := b.working(); err != nil {
		return err
	}
	return b.declared.ready()
}

// working is Ready by what the broker's process knows itself.
func (b *Broker) working() error {
	if b.closed.Load() {
		return b.wrap("ready", "", ErrClosed)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.isDraining:
		return b.wrap("ready", "", ErrDraining)
	case b.firstFailure != nil:
		return b.wrap("ready", "", b.firstFailure)
	case b.disconnected[place{}] != nil:
		return b.wrap("ready", "", fmt.Errorf("%w: %w", ErrUnavailable, b.disconnected[place{}]))
	}
	for at, err := range b.disconnected {
		return b.wrap("ready", at.topic, fmt.Errorf("%w: %w", ErrUnavailable, err))
	}
	return nil
}

// Lag is how far a group is behind.
type Lag = driver.Lag

// Lag asks the broker how far a group is behind. Brokers that can't tell return ErrUnsupported.
func (b *Broker) Lag(ctx context.Context, topic, group string) (Lag, error) {
	l, ok := b.driver.(driver.Lagger)
	if !ok {
		return Lag{}, b.wrap("lag", topic, ErrUnsupported)
	}
	lag, err := l.Lag(ctx, topic, group)
	return lag, b.wrap("lag", topic, err)
}

// Capabilities tells what this connection can do, feature by feature: native, emulated (and how), or refused.
type Capabilities = driver.Capabilities

// Capabilities returns the report.
func (b *Broker) Capabilities() Capabilities { return b.capabilities }

// features are the rows of the report, in the order in which people read them.
var features = []driver.Feature{
	driver.FeatureGroups, driver.FeatureBroadcast, driver.FeatureInbox, driver.FeatureLog, driver.FeatureDelay, driver.FeatureReplicaOrder,
	driver.FeatureHistory, driver.FeatureStart, driver.FeatureReset, driver.FeatureKeep, driver.FeatureLag, driver.FeatureIdempotent,
}

// Report prints capabilities as a table for people.
func Report(c Capabilities) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s, durability %s\n", strings.TrimSpace(c.Broker+" "+c.Version), c.Durability)
	for _, f := range features {
		line := fmt.Sprintf("  %-22s %-9s %s", f, c.Features[f].Level, c.Features[f].How)
		t.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return t.String()
}

// needs returns the features that a subscription with these options needs.
func (o *subscribeOptions) needs() []driver.Feature {
	if o.broadcast {
		return []driver.Feature{driver.FeatureBroadcast}
	}
	need := []driver.Feature{driver.FeatureGroups, driver.FeatureInbox, driver.FeatureLog}
	if o.start.Kind != driver.StartDefault && o.start.Kind != driver.StartNewest {
		need = append(need, driver.FeatureStart)
	}
	if o.replicas > 0 {
		need = append(need, driver.FeatureReplicaOrder)
	}
	return need
}

// need refuses features that the broker, or one that the program must also run on, refuses.
func (b *Broker) need(need ...driver.Feature) error {
	for _, f := range need {
		if c := b.capabilities.Features[f]; c.Level == driver.Refused {
			return fmt.Errorf("%s: %w (%s)", f, ErrUnsupported, or(c.How, b.name+" has no such thing"))
		}
		for _, name := range b.config.MustRunOn {
			if why, refused := profiles[name][f]; refused {
				return fmt.Errorf("%s: %w: must run on %s, which has not (%s)", f, ErrUnsupported, name, why)
			}
		}
	}
	return nil
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// profiles are what the known brokers refuse, and why, for Config.MustRunOn.
var profiles = map[string]map[driver.Feature]string{
	"memory": {},
	"rabbitmq": {
		driver.FeatureHistory: "queues are no logs", driver.FeatureStart: "a queue begins with its declaration",
		driver.FeatureReset: "queues are no logs", driver.FeatureKeep: "events are kept only for groups that exist",
	},
	"kafka": {},
	"redis": {},
}
