package broken

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

// features are all that a driver may refuse.
var features = []driver.Feature{
	driver.FeatureGroups, driver.FeatureBroadcast, driver.FeatureHistory, driver.FeatureStart, driver.FeatureReset,
	driver.FeatureReplicaOrder, driver.FeatureDelay, driver.FeatureInbox, driver.FeatureLog, driver.FeatureKeep, driver.FeatureLag,
	driver.FeatureIdempotent,
}

// Modest wraps a driver so that it refuses all features but the named ones, as a driver should: it is not broken.
func Modest(good driver.Driver, can ...driver.Feature) driver.Driver {
	m := &modest{Driver: good, can: can}
	m.pub = &modestPublisher{Publisher: good.Publisher(), modest: m}
	return m
}

// Boastful wraps a driver so that it says that it refuses all features but the named ones, and does them all the same.
func Boastful(good driver.Driver, can ...driver.Feature) driver.Driver {
	return wrap(good, faults{caps: func(_ *conn, caps driver.Capabilities) driver.Capabilities { return refusing(caps, can) }})
}

func refusing(caps driver.Capabilities, can []driver.Feature) driver.Capabilities {
	caps.Features = maps.Clone(caps.Features)
	for _, f := range features {
		if !slices.Contains(can, f) {
			caps.Features[f] = driver.Capability{How: "not here"}
		}
	}
	return caps
}

// modest has no side interface but the one for notices.
type modest struct {
	driver.Driver
	can []driver.Feature
	pub *modestPublisher
}

// Publisher implements driver.Driver.
func (m *modest) Publisher() driver.Publisher { return m.pub }

// Capabilities implements driver.Driver.
func (m *modest) Capabilities() driver.Capabilities { return refusing(m.Driver.Capabilities(), m.can) }

// Notify implements driver.Notifier.
func (m *modest) Notify(f func(driver.Notice)) {
	if n, ok := m.Driver.(driver.Notifier); ok {
		n.Notify(f)
		return
	}
	f(driver.Notice{Kind: driver.Connected})
}

// lacks returns an error when it is asked for and the feature is not there.
func (m *modest) lacks(asked bool, f driver.Feature) error {
	if !asked || slices.Contains(m.can, f) {
		return nil
	}
	return fmt.Errorf("%s: %w", f, driver.ErrUnsupported)
}

// Subscribe implements driver.Driver.
func (m *modest) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	placed := spec.Start.Kind != driver.StartDefault && spec.Start.Kind != driver.StartNewest
	for _, err := range []error{
		m.lacks(!spec.Broadcast, driver.FeatureGroups), m.lacks(spec.Broadcast, driver.FeatureBroadcast),
		m.lacks(placed, driver.FeatureStart), m.lacks(spec.Partitions > 0, driver.FeatureReplicaOrder),
	} {
		if err != nil {
			return nil, err
		}
	}
	return m.Driver.Subscribe(ctx, spec)
}

// modestPublisher refuses what the capabilities refuse.
type modestPublisher struct {
	driver.Publisher
	modest *modest
}

// Send implements driver.Publisher.
func (p *modestPublisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	m := p.modest
	var pass []*driver.Message
	var index []int
	for i, msg := range msgs {
		err := m.lacks(to.Log, driver.FeatureLog)
		if err == nil {
			err = m.lacks(to.Group != "", driver.FeatureInbox)
		}
		if err == nil {
			err = m.lacks(to.Unrouted == driver.Keep, driver.FeatureKeep)
		}
		if err == nil {
			err = m.lacks(!msg.NotBefore.IsZero() && to.Group == "", driver.FeatureDelay)
		}
		if err != nil {
			r.Done(i, driver.Invalid, err)
			continue
		}
		pass, index = append(pass, msg), append(index, i)
	}
	p.Publisher.Send(ctx, to, pass, done(func(i int, fate driver.Fate, err error) { r.Done(index[i], fate, err) }))
}
