package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"github.com/herald-go/herald/pkg/driver"
)

// registry is a broker in this process that has topics and groups, and counts what it is asked.
type registry struct {
	refused map[string]kafkago.Error // topics that it does not create

	mu      sync.Mutex
	topics  map[string]int // partitions
	groups  map[string]bool
	asked   map[protocol.ApiKey]int
	largest map[protocol.ApiKey]int // how many topics one request named
	pumps   sync.WaitGroup
}

func newRegistry() *registry {
	return &registry{topics: map[string]int{}, groups: map[string]bool{}, asked: map[protocol.ApiKey]int{}, largest: map[protocol.ApiKey]int{}}
}

// open returns a driver of the registry's, which ends with the test.
func (r *registry) open(t *testing.T) *Driver {
	t.Helper()
	d, err := New(t.Context(), Config{Brokers: []string{"fake:9092"}, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		r.pumps.Go(func() { r.serve(far) })
		return near, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Close: %v", err)
		}
		r.pumps.Wait()
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.asked)
	return d
}

func (r *registry) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		version, serial, _, msg, err := protocol.ReadRequest(c)
		if err != nil {
			return
		}
		if protocol.WriteResponse(c, version, serial, r.reply(msg)) != nil {
			return
		}
	}
}

func (r *registry) note(key protocol.ApiKey, topics int) {
	r.asked[key]++
	r.largest[key] = max(r.largest[key], topics)
}

func (r *registry) reply(msg protocol.Message) protocol.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch req := msg.(type) {
	case *apiversions.Request:
		res := &apiversions.Response{}
		for key, most := range map[protocol.ApiKey]int16{
			protocol.Metadata: 8, protocol.CreateTopics: 4, protocol.DescribeConfigs: 1, protocol.FindCoordinator: 2, protocol.OffsetFetch: 5,
			protocol.ListOffsets: 1, protocol.OffsetCommit: 7, protocol.Produce: 8, protocol.Fetch: 10, protocol.ApiVersions: 0,
		} {
			res.ApiKeys = append(res.ApiKeys, apiversions.ApiKeyResponse{ApiKey: int16(key), MaxVersion: most})
		}
		return res
	case *metadata.Request:
		r.note(protocol.Metadata, len(req.TopicNames))
		return r.describe(req)
	case *createtopics.Request:
		r.note(protocol.CreateTopics, len(req.Topics))
		return r.create(req)
	case *describeconfigs.Request:
		r.note(protocol.DescribeConfigs, len(req.Resources))
		res := &describeconfigs.Response{}
		for _, x := range req.Resources {
			res.Resources = append(res.Resources, describeconfigs.ResponseResource{ResourceType: x.ResourceType, ResourceName: x.ResourceName})
		}
		return res
	case *findcoordinator.Request:
		return &findcoordinator.Response{NodeID: 1, Host: "fake", Port: 9092}
	case *offsetfetch.Request:
		return r.positions(req)
	case *listoffsets.Request:
		res := &listoffsets.Response{}
		for _, t := range req.Topics {
			topic := listoffsets.ResponseTopic{Topic: t.Topic}
			for _, p := range t.Partitions {
				topic.Partitions = append(topic.Partitions, listoffsets.ResponsePartition{Partition: p.Partition})
			}
			res.Topics = append(res.Topics, topic)
		}
		return res
	case *offsetcommit.Request:
		r.groups[req.GroupID] = true
		return &offsetcommit.Response{}
	default:
		panic(fmt.Sprintf("%T", msg))
	}
}

func (r *registry) describe(req *metadata.Request) protocol.Message {
	res := &metadata.Response{Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: "fake", Port: 9092}}, ControllerID: 1}
	for _, name := range req.TopicNames {
		t := metadata.ResponseTopic{Name: name}
		n, there := r.topics[name]
		if !there {
			t.ErrorCode = int16(kafkago.UnknownTopicOrPartition)
		}
		for i := range n {
			t.Partitions = append(t.Partitions, metadata.ResponsePartition{PartitionIndex: int32(i), LeaderID: 1, ReplicaNodes: []int32{1}})
		}
		res.Topics = append(res.Topics, t)
	}
	return res
}

func (r *registry) create(req *createtopics.Request) protocol.Message {
	res := &createtopics.Response{}
	seen := map[string]int{}
	for _, t := range req.Topics {
		seen[t.Name]++
	}
	for _, t := range req.Topics {
		answer := createtopics.ResponseTopic{Name: t.Name}
		switch {
		case seen[t.Name] > 1:
			answer.ErrorCode = int16(kafkago.InvalidRequest)
		case r.refused[t.Name] != 0:
			answer.ErrorCode = int16(r.refused[t.Name])
		case r.topics[t.Name] > 0:
			answer.ErrorCode = int16(kafkago.TopicAlreadyExists)
		default:
			r.topics[t.Name] = max(1, int(t.NumPartitions))
		}
		res.Topics = append(res.Topics, answer)
	}
	return res
}

func (r *registry) positions(req *offsetfetch.Request) protocol.Message {
	res := &offsetfetch.Response{}
	for _, t := range req.Topics {
		topic := offsetfetch.ResponseTopic{Name: t.Name}
		for _, p := range t.PartitionIndexes {
			at := offsetfetch.ResponsePartition{PartitionIndex: p, CommittedOffset: -1}
			if r.groups[req.GroupID] {
				at.CommittedOffset = 0
			}
			topic.Partitions = append(topic.Partitions, at)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}

func manySpecs(n int, change func(i int, t *driver.TopicSpec)) []driver.TopicSpec {
	specs := make([]driver.TopicSpec, n)
	for i := range specs {
		specs[i] = driver.TopicSpec{Name: fmt.Sprint("t-", i)}
		if change != nil {
			change(i, &specs[i])
		}
	}
	return specs
}

func TestManyTopicsAreDeclaredByFewRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry()
		d := r.open(t)
		const n = 250
		grouped := func(_ int, t *driver.TopicSpec) { t.Groups = []string{"billing"} }
		if err := d.Declare(t.Context(), manySpecs(n, grouped)); err != nil {
			t.Fatal(err)
		}
		if topics := n * (1 + len(tiers)); len(r.topics) != topics || len(r.groups) != n {
			t.Errorf("there are %d topics and %d groups, want %d and %d", len(r.topics), len(r.groups), topics, n)
		}
		want := map[protocol.ApiKey]int{
			protocol.CreateTopics:    n/topicsAtOnce + 1 + n*len(tiers)/topicsAtOnce,
			protocol.DescribeConfigs: 1,
			// To look, to wait for leaders, and one for each group's inbox.
			protocol.Metadata: n*(1+len(tiers))/namesAtOnce + 1 + n/topicsAtOnce + 1 + n*len(tiers)/topicsAtOnce + n,
		}
		if !maps.Equal(r.asked, want) {
			t.Errorf("the broker is asked %v, want %v", r.asked, want)
		}
		if r.largest[protocol.CreateTopics] > topicsAtOnce || r.largest[protocol.Metadata] > namesAtOnce {
			t.Errorf("the largest requests name %v topics", r.largest)
		}

		clear(r.asked)
		verify := func(i int, t *driver.TopicSpec) { grouped(i, t); t.Verify = true }
		if err := d.Declare(t.Context(), manySpecs(n, verify)); err != nil {
			t.Fatal(err)
		}
		if want := map[protocol.ApiKey]int{protocol.Metadata: 1}; !maps.Equal(r.asked, want) {
			t.Errorf("to verify, the broker is asked %v, want %v", r.asked, want)
		}
	})
}

// Requests for many topics say little of one.
func TestTheFirstTopicThatFailsIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry()
		r.refused = map[string]kafkago.Error{"t-7": kafkago.PolicyViolation, "t-120": kafkago.InvalidReplicationFactor}
		d := r.open(t)
		err := d.Declare(t.Context(), manySpecs(150, nil))
		if !errors.Is(err, kafkago.PolicyViolation) || !strings.Contains(err.Error(), "declare t-7:") {
			t.Errorf("Declare: %v, want a policy violation of t-7", err)
		}
		missing := manySpecs(20, func(i int, t *driver.TopicSpec) { t.Verify = i > 5 })
		missing[9].Name, missing[12].Name = "gone-9", "gone-12"
		err = d.Declare(t.Context(), slices.DeleteFunc(missing, func(s driver.TopicSpec) bool { return s.Name == "t-7" }))
		if !errors.Is(err, driver.ErrUnknownTopic) || !strings.Contains(err.Error(), "declare gone-9:") {
			t.Errorf("Declare: %v, want gone-9 to be missing", err)
		}
	})
}

// A topic that is not as told keeps what it has, and nothing is made beside it. One that is told twice is made once.
func TestAConflictLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry()
		r.topics["t-1"] = 3
		d := r.open(t)
		specs := manySpecs(3, func(_ int, t *driver.TopicSpec) { t.Partitions, t.Groups = 2, []string{"billing"} })
		err := d.Declare(t.Context(), append([]driver.TopicSpec{{Name: "t-0"}}, specs...))
		if !errors.Is(err, driver.ErrConflict) || !strings.Contains(err.Error(), "declare t-0:") {
			t.Errorf("Declare: %v, want a conflict of t-0, which is told with two numbers of partitions", err)
		}
		if n := r.asked[protocol.CreateTopics]; n != 2 {
			t.Errorf("%d requests created the topics and the inbox of t-2, want 2", n)
		}
		err = d.Declare(t.Context(), specs[1:])
		if !errors.Is(err, driver.ErrConflict) || !strings.Contains(err.Error(), "declare t-1:") {
			t.Errorf("Declare: %v, want a conflict of t-1", err)
		}
		for name := range r.topics {
			if strings.HasPrefix(name, driver.Name(driver.KindInbox, "t-1", "billing")) {
				t.Errorf("%s was made", name)
			}
		}
		if want := 3; r.topics["t-1"] != want {
			t.Errorf("t-1 has %d partitions, want %d", r.topics["t-1"], want)
		}
	})
}
