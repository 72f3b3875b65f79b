package kafka

import (
	"context"
	"fmt"
	"strconv"

	"github.com/segmentio/kafka-go/protocol/createtopics"

	"github.com/herald-go/herald/adapters/internal/parallel"
	"github.com/herald-go/herald/pkg/driver"
)

// declareAtOnce is how many topics Declare sees to at a time, over the shared connections.
const declareAtOnce = 8

// Declare implements driver.Topology. What is missing is created with a few requests for all topics together, so that where one fails, topics
// after it may have been created. Where several fail the first of them is told.
func (d *Driver) Declare(ctx context.Context, topics []driver.TopicSpec) error {
	for _, t := range topics {
		if err := validTopic(t); err != nil {
			return fail("declare", t.Name, err)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	var seen *survey
	err := retry(ctx, func() (err error) {
		seen, err = d.admin.survey(ctx, topics)
		return err
	})
	switch {
	case permanent(err):
		seen = nil // each topic is asked for alone, so that the one at fault is found
	case err != nil:
		return fail("declare", topics[0].Name, err)
	}
	at, err := parallel.Each(len(topics), declareAtOnce, func(i int) error { return d.declareOne(ctx, topics[i], seen) })
	if err != nil {
		return fail("declare", topics[at].Name, err)
	}
	return nil
}

// declareOne declares a topic and its groups, or verifies them.
func (d *Driver) declareOne(ctx context.Context, t driver.TopicSpec, seen *survey) error {
	return retry(ctx, func() error {
		known := seen
		seen = nil // whoever tries again asks again
		switch d.admin.wayOf(&t) {
		case DeclareVerify:
			return d.admin.verify(ctx, t, known)
		case DeclareNone:
			return nil
		default:
			return d.admin.declare(ctx, t, known)
		}
	})
}

// wayOf is what is to be done about a topic: DeclareCreate, DeclareVerify or DeclareNone.
func (a *admin) wayOf(t *driver.TopicSpec) string {
	if t.Verify {
		return DeclareVerify
	}
	return a.cfg.Declare
}

func validTopic(t driver.TopicSpec) error {
	if err := t.Check(); err != nil {
		return err
	}
	if t.MaxCount > 0 {
		return because(driver.ErrUnsupported, errCount)
	}
	return nil
}

// boundConfigs are the settings that bounds are compared with.
var boundConfigs = []string{"retention.ms", "retention.bytes"}

// bounds are a topic's retention as Kafka's settings. Kafka bounds the bytes of each partition.
func bounds(t driver.TopicSpec, partitions int) []createtopics.RequestConfig {
	var c []createtopics.RequestConfig
	if t.MaxAge > 0 {
		c = append(c, createtopics.RequestConfig{Name: "retention.ms", Value: strconv.FormatInt(max(1, t.MaxAge.Milliseconds()), 10)})
	}
	if t.MaxBytes > 0 {
		each := max(1, t.MaxBytes/int64(max(1, partitions)))
		c = append(c, createtopics.RequestConfig{Name: "retention.bytes", Value: strconv.FormatInt(each, 10)})
	}
	return c
}

// specOf is a topic that Declare asks for.
func (a *admin) specOf(t *driver.TopicSpec) topicSpec {
	n := or(t.Partitions, a.cfg.Partitions)
	if t.MaxBytes > 0 && n == 0 {
		n = 1 // bytes are divided among the partitions, so their number has to be known
	}
	return topicSpec{name: t.Name, partitions: n, configs: bounds(*t, n)}
}

// declare makes sure of a topic and its groups. seen may be nil.
func (a *admin) declare(ctx context.Context, t driver.TopicSpec, seen *survey) error {
	a.told.Store(t.Name, t)
	if _, err := a.ensure(ctx, a.specOf(&t)); err != nil {
		return err
	}
	if _, err := a.compare(ctx, t, seen); err != nil {
		return err
	}
	for _, g := range t.Groups {
		if _, err := a.declareGroup(ctx, groupSpec{topic: t.Name, group: g}); err != nil {
			return err
		}
	}
	return nil
}

// compare returns how many partitions a topic has, and ErrConflict when it has other properties than told. seen may be nil.
func (a *admin) compare(ctx context.Context, t driver.TopicSpec, seen *survey) (int, error) {
	look := a.cluster.topicNow
	if seen != nil {
		look = a.cluster.topic
	}
	info, err := look(ctx, t.Name)
	if err != nil {
		return 0, err
	}
	n := len(info.leaders)
	there, known := seen.configs(t.Name)
	if !known && len(bounds(t, n)) > 0 {
		if there, err = a.configs(ctx, ofTopic, t.Name, boundConfigs...); err != nil {
			return 0, err
		}
	}
	return n, conflict(&t, n, there)
}

// conflict tells what a topic of n partitions has other than told.
func conflict(t *driver.TopicSpec, n int, there map[string]string) error {
	if t.Partitions > 0 && t.Partitions != n {
		return fmt.Errorf("%w: topic has %d partitions, not %d", driver.ErrConflict, n, t.Partitions)
	}
	for _, c := range bounds(*t, n) {
		if there[c.Name] != c.Value {
			return fmt.Errorf("%w: %s is %s, not %s", driver.ErrConflict, c.Name, there[c.Name], c.Value)
		}
	}
	return nil
}

// verify makes sure that a topic is as told, and that its groups are there. seen may be nil.
func (a *admin) verify(ctx context.Context, t driver.TopicSpec, seen *survey) error {
	n, err := a.compare(ctx, t, seen)
	if err != nil {
		return err
	}
	for _, g := range t.Groups {
		if _, err := a.groupIn(ctx, t.Name, g, n); err != nil {
			return fmt.Errorf("group %s: %w", g, err)
		}
	}
	return nil
}
