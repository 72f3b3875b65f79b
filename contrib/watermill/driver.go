package heraldwatermill

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/driver"
)

// Driver is a driver.Driver over a Watermill publisher and subscriber. It is safe for concurrent use.
type Driver struct {
	config    DriverConfig
	groups    *knownGroups
	publisher *queue

	mu     sync.Mutex
	closed bool
	subs   map[*subscription]struct{}
	now    func() time.Time
}

var (
	_ driver.Driver   = (*Driver)(nil)
	_ driver.History  = (*Driver)(nil)
	_ driver.Topology = (*Driver)(nil)
	_ driver.Clocked  = (*Driver)(nil)
)

// NewDriver makes a driver. Open makes a broker of it at once.
func NewDriver(config DriverConfig) (*Driver, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	return newDriver(config, &knownGroups{of: map[string][]string{}}), nil
}

// Connect returns a further driver over the same publisher and subscribers: it knows the groups that this one knows, and is closed by
// itself.
func (d *Driver) Connect() *Driver { return newDriver(d.config, d.groups) }

func newDriver(config DriverConfig, groups *knownGroups) *Driver {
	d := &Driver{config: config, groups: groups, subs: make(map[*subscription]struct{}), now: time.Now}
	d.publisher = newQueue(config, groups)
	return d
}

// knownGroups are the groups that this process has subscribed or declared: nobody else can be asked.
type knownGroups struct {
	mu sync.Mutex
	of map[string][]string
}

func (k *knownGroups) add(topic, group string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.of[topic], group) {
		k.of[topic] = append(k.of[topic], group)
	}
}

// has reports whether the topic has this group, or any where none is named.
func (k *knownGroups) has(topic, group string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return group == "" && len(k.of[topic]) > 0 || slices.Contains(k.of[topic], group)
}

// UseClock implements driver.Clocked.
func (d *Driver) UseClock(now func() time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = now
}

func (d *Driver) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now()
}

// Publisher implements driver.Driver.
func (d *Driver) Publisher() driver.Publisher { return d.publisher }

// Subscribe implements driver.Driver.
func (d *Driver) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	if err := d.supports(spec); err != nil {
		return nil, fmt.Errorf("subscribe %s: %w", spec.Topic, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	s := newSubscription(d, spec)
	if err := s.open(); err != nil {
		_ = s.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("subscribe %s: %w", spec.Topic, err)
	}
	d.mu.Lock()
	closed := d.closed
	if !closed {
		d.subs[s] = struct{}{}
	}
	d.mu.Unlock()
	if closed {
		_ = s.Close(context.WithoutCancel(ctx))
		return nil, driver.ErrClosed
	}
	if !spec.Broadcast {
		d.groups.add(spec.Topic, spec.Group)
	}
	return s, nil
}

// supports refuses what can't be given.
func (d *Driver) supports(spec driver.Spec) error {
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	oldest := spec.Start.Kind == driver.StartDefault || spec.Broadcast && spec.Start.Kind == driver.StartNewest
	switch {
	case closed:
		return driver.ErrClosed
	case strings.HasPrefix(spec.Topic, derivedPrefix):
		return fmt.Errorf("%w: topics that begin with %s are Herald's own", driver.ErrUnsupported, derivedPrefix)
	case spec.Broadcast && !d.config.Broadcast, !spec.Broadcast && !d.config.Groups:
		return fmt.Errorf("%w: this publisher and subscriber have no such subscription", driver.ErrUnsupported)
	case spec.Partitions > 0:
		return fmt.Errorf("%w: order across replicas", driver.ErrUnsupported)
	case !oldest:
		return fmt.Errorf("%w: a group begins with the oldest message, a broadcast now", driver.ErrUnsupported)
	default:
		return nil
	}
}

// Declare implements driver.Topology. Watermill's subscribers declare by SubscribeInitialize, where they have it; bounds are refused, since
// nobody would keep them.
func (d *Driver) Declare(_ context.Context, topics []driver.TopicSpec) error {
	for _, t := range topics {
		if t.Partitions > 0 || t.MaxAge > 0 || t.MaxBytes > 0 || t.MaxCount > 0 {
			return fmt.Errorf("declare %s: %w: partitions and bounds", t.Name, driver.ErrUnsupported)
		}
		for _, g := range t.Groups {
			if t.Verify && !d.groups.has(t.Name, g) {
				return fmt.Errorf("declare %s: %w: group %s is not known here", t.Name, driver.ErrUnknownTopic, g)
			}
			if err := d.declare(t.Name, g); err != nil {
				return fmt.Errorf("declare %s: %w", t.Name, err)
			}
		}
	}
	return nil
}

func (d *Driver) declare(topic, group string) error {
	if !d.config.Groups {
		return driver.ErrUnsupported
	}
	sub, err := d.config.Subscriber(group)
	if err != nil {
		return err
	}
	if i, ok := sub.(message.SubscribeInitializer); ok {
		for _, name := range []string{d.config.topicOf(driver.Address{Topic: topic}), d.config.topicOf(driver.Address{Topic: topic, Group: group})} {
			if err := i.SubscribeInitialize(name); err != nil {
				_ = sub.Close()
				return err
			}
		}
	}
	d.groups.add(topic, group)
	return sub.Close()
}

func (d *Driver) forget(s *subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.subs, s)
}

// Close implements driver.Driver. It closes what Subscriber has made, and leaves the Publisher open.
func (d *Driver) Close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	subs := make([]*subscription, 0, len(d.subs))
	for s := range d.subs {
		subs = append(subs, s)
	}
	d.mu.Unlock()
	var first error
	for _, s := range subs {
		if err := s.Close(ctx); err != nil && first == nil {
			first = err
		}
	}
	if err := d.publisher.abandon(ctx); err != nil && first == nil {
		first = err
	}
	return first
}
