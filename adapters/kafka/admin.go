package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/createpartitions"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/deletetopics"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/listgroups"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// admin creates topics and looks things up. It is safe for concurrent use.
type admin struct {
	cluster *cluster
	cfg     Config
	most    int           // the cluster's message.max.bytes
	epoch   atomic.Uint64 // grows when this driver deletes a group, so that nobody goes on believing in it
	told    sync.Map      // the TopicSpec of each topic that this driver was told to declare, by name
}

// topicSpec is a topic to be.
type topicSpec struct {
	name       string // Herald's
	partitions int    // 0 is the Config's
	configs    []createtopics.RequestConfig
	source     string // the topic whose number of partitions it takes, and whose messages it must hold
	size       int    // max.message.bytes; 0 is the Config's
}

// kept are the settings of topics from which nothing goes away by itself.
func kept() []createtopics.RequestConfig {
	return []createtopics.RequestConfig{
		{Name: "cleanup.policy", Value: "delete"}, {Name: "retention.ms", Value: "-1"}, {Name: "retention.bytes", Value: "-1"},
	}
}

// logSpec is a plain log: kept for ever, and with the partitions of the topic that it belongs to.
func logSpec(name string) topicSpec {
	spec := topicSpec{name: name, configs: kept()}
	if topic, _, ok := deadOf(name); ok {
		spec.source = topic
	}
	return spec
}

// ensure returns a topic, created if need be and allowed.
func (a *admin) ensure(ctx context.Context, spec topicSpec) (*topicInfo, error) {
	t, err := a.cluster.topic(ctx, topicName(spec.name))
	if !errors.Is(err, driver.ErrUnknownTopic) {
		return t, err
	}
	if a.cfg.Declare != DeclareCreate {
		return nil, fmt.Errorf("%w: %s, and declare is %s", driver.ErrUnknownTopic, spec.name, a.cfg.Declare)
	}
	if spec.source != "" {
		source, err := a.cluster.topic(ctx, spec.source)
		if err == nil {
			spec.partitions = len(source.leaders)
			spec.size, err = a.derivedSize(ctx, spec.source)
		}
		if err != nil && !errors.Is(err, driver.ErrUnknownTopic) {
			return nil, err
		}
	}
	if err := a.create(ctx, spec); err != nil {
		return nil, err
	}
	return a.settled(ctx, topicName(spec.name), 1)
}

// create creates topics in one request. Those that exist are left alone.
func (a *admin) create(ctx context.Context, specs ...topicSpec) error {
	req := &createtopics.Request{TimeoutMs: int32(a.cfg.RequestTimeout.Milliseconds())} //nolint:gosec // some seconds
	for _, s := range specs {
		configs := s.configs
		if s.size = or(s.size, a.cfg.MaxMessage); s.size > 0 {
			configs = append(slices.Clip(configs), createtopics.RequestConfig{Name: sizeConfig, Value: strconv.Itoa(s.size)})
		}
		partitions, replication := int32(or(or(s.partitions, a.cfg.Partitions), -1)), int16(or(a.cfg.Replication, -1)) //nolint:gosec // checked
		req.Topics = append(req.Topics, createtopics.RequestTopic{
			Name: topicName(s.name), NumPartitions: partitions, ReplicationFactor: replication, Configs: configs,
		})
	}
	answer, err := a.cluster.ask(ctx, a.cluster.anyNode(), req)
	if err != nil {
		return err
	}
	res, ok := answer.(*createtopics.Response)
	if !ok {
		return errProtocol
	}
	for _, t := range res.Topics {
		if err := code(t.ErrorCode); err != nil && !is(err, kafkago.TopicAlreadyExists) {
			return fmt.Errorf("create %s: %w: %s", t.Name, err, t.ErrorMessage)
		}
	}
	return nil
}

// settled waits until the topic is known to have at least so many partitions, and all of them have leaders. The broker that is asked may be behind
// the one that has made them.
func (a *admin) settled(ctx context.Context, name string, least int) (*topicInfo, error) {
	pause := backoff.New(retryFirst/4, retryMost)
	for {
		t, err := a.cluster.topicNow(ctx, name)
		if err == nil && len(t.leaders) >= least && !slices.Contains(t.leaders, noBroker) {
			return t, nil
		}
		if err != nil && permanent(err) && !errors.Is(err, driver.ErrUnknownTopic) {
			return nil, err
		}
		if pause.Wait(ctx) != nil {
			return nil, ended(ctx, err)
		}
	}
}

// grow adds partitions to topics that have fewer than n.
func (a *admin) grow(ctx context.Context, n int, topics ...string) error {
	req := &createpartitions.Request{TimeoutMs: int32(a.cfg.RequestTimeout.Milliseconds())} //nolint:gosec // some seconds
	for _, name := range topics {
		if t := a.cluster.known(name); t != nil && len(t.leaders) < n {
			req.Topics = append(req.Topics, createpartitions.RequestTopic{Name: name, Count: int32(n)}) //nolint:gosec // a count
		}
	}
	if len(req.Topics) == 0 || a.cfg.Declare != DeclareCreate {
		return nil
	}
	answer, err := a.cluster.ask(ctx, a.cluster.anyNode(), req)
	if err != nil {
		return err
	}
	res, ok := answer.(*createpartitions.Response)
	if !ok {
		return errProtocol
	}
	for _, t := range res.Results {
		// Another member may have been faster.
		if err := code(t.ErrorCode); err != nil && !is(err, kafkago.InvalidPartitionNumber) {
			return fmt.Errorf("add partitions to %s: %w", t.Name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.RequestTimeout) // they may be deleted meanwhile
	defer cancel()
	for _, t := range req.Topics {
		if _, err := a.settled(ctx, t.Name, n); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes topics; those that do not exist are gone already.
func (a *admin) remove(ctx context.Context, topics ...string) error {
	req := &deletetopics.Request{TopicNames: topics, TimeoutMs: int32(a.cfg.RequestTimeout.Milliseconds())} //nolint:gosec // some seconds
	answer, err := a.cluster.ask(ctx, a.cluster.anyNode(), req)
	if err != nil {
		return err
	}
	res, ok := answer.(*deletetopics.Response)
	if !ok {
		return errProtocol
	}
	for _, t := range res.Responses {
		if err := code(t.ErrorCode); err != nil && !is(err, kafkago.UnknownTopicOrPartition) {
			return fmt.Errorf("delete %s: %w", t.Name, err)
		}
	}
	return retry(ctx, func() error {
		if err := a.cluster.refresh(ctx, topics...); err != nil {
			return err
		}
		for _, name := range topics {
			if a.cluster.known(name) != nil {
				return fmt.Errorf("%s is still there", name)
			}
		}
		return nil
	})
}

// groups returns the names of a topic's groups, sorted. A group is known while it has members or a position.
func (a *admin) groups(ctx context.Context, topic string) ([]string, error) {
	var found []string
	for _, node := range a.cluster.nodes() {
		answer, err := a.cluster.ask(ctx, node, &listgroups.Request{})
		if err != nil {
			return nil, err
		}
		res, ok := answer.(*listgroups.Response)
		if !ok {
			return nil, errProtocol
		}
		if err := code(res.ErrorCode); err != nil && !is(err, kafkago.GroupCoordinatorNotAvailable) {
			return nil, err
		}
		for _, g := range res.Groups {
			if name, mine := groupOf(topic, g.GroupID); mine {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func (a *admin) hasGroup(ctx context.Context, topic string) (bool, error) {
	if len(a.cluster.nodes()) == 0 {
		if err := a.cluster.refresh(ctx); err != nil {
			return false, err
		}
	}
	found, err := a.groups(ctx, topic)
	if err == nil && len(found) == 0 {
		err = a.maySee(ctx, topic)
	}
	return len(found) > 0, err
}

// maySee tells a topic without groups from a user who may not see them: a broker leaves out of its list what this user may not describe. The
// group that is asked for need not exist.
func (a *admin) maySee(ctx context.Context, topic string) error {
	_, err := a.cluster.coordinator(ctx, groupID(topic, "any"))
	if !denied(err) {
		return nil // else it is only harder to find out
	}
	return fmt.Errorf("look for groups, which takes Describe on groups prefixed %s: %w", groupPrefix(topic), err)
}

// Kinds of resource that have settings.
const (
	ofTopic  int8 = 2
	ofBroker int8 = 4
)

// configs returns settings of a topic or a broker.
func (a *admin) configs(ctx context.Context, kind int8, name string, keys ...string) (map[string]string, error) {
	node := a.cluster.anyNode()
	if kind == ofBroker {
		id, err := strconv.ParseInt(name, 10, 32)
		if err != nil {
			return nil, err
		}
		node = int32(id)
	}
	answer, err := a.cluster.ask(ctx, node, &describeconfigs.Request{
		Resources: []describeconfigs.RequestResource{{ResourceType: kind, ResourceName: name, ConfigNames: keys}},
	})
	if err != nil {
		return nil, err
	}
	res, ok := answer.(*describeconfigs.Response)
	if !ok || len(res.Resources) != 1 {
		return nil, errProtocol
	}
	if err := code(res.Resources[0].ErrorCode); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, c := range res.Resources[0].ConfigEntries {
		values[c.ConfigName] = c.ConfigValue
	}
	return values, nil
}
