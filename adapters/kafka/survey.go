package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol/describeconfigs"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// Bounds of one request for many topics. A broker of KRaft refuses one that makes more than 10,000 records, of which each partition is one:
// org.apache.kafka.controller.QuorumController.MAX_RECORDS_PER_USER_OP.
const (
	namesAtOnce      = 500  // topics to ask for
	topicsAtOnce     = 100  // topics to create
	partitionsAtOnce = 1000 // partitions to create; a topic whose number is the cluster's counts as one
)

// settleMost is the longest pause between two looks whether topics have leaders: a broker makes some hundred logs a second.
const settleMost = 200 * time.Millisecond

// survey is what the cluster tells of many topics at once: which there are, kept in the cluster's own memory, and their settings.
type survey struct {
	settings map[string]map[string]string // by topic; those that could not be read are missing
}

// configs returns what was learned of a topic's settings. A nil survey knows nothing.
func (s *survey) configs(topic string) (map[string]string, bool) {
	if s == nil {
		return nil, false
	}
	values, known := s.settings[topic]
	return values, known
}

// survey looks at all topics that are to be declared or verified. Those that are to be declared are created, and then the inboxes of their
// groups; a group is made by its position, which is left to declare. An error may be that of a single topic.
func (a *admin) survey(ctx context.Context, topics []driver.TopicSpec) (*survey, error) {
	var names []string
	var specs []topicSpec
	for i := range topics {
		t := &topics[i]
		switch a.wayOf(t) {
		case DeclareNone:
			continue
		case DeclareCreate:
			specs = append(specs, a.specOf(t))
			for _, g := range t.Groups {
				names = append(names, inboxTopics(t.Name, g)...)
			}
		}
		names = append(names, t.Name)
	}
	if err := a.lookAt(ctx, names); err != nil {
		return nil, err
	}
	if err := a.createMissing(ctx, specs); err != nil {
		return nil, err
	}
	seen := &survey{settings: map[string]map[string]string{}}
	if err := a.readSettings(ctx, topics, seen); err != nil {
		return nil, err
	}
	return seen, a.createMissing(ctx, a.inboxesOf(topics, seen))
}

// lookAt reads the leaders of many topics anew.
func (a *admin) lookAt(ctx context.Context, names []string) error {
	for some := range slices.Chunk(names, namesAtOnce) {
		if err := a.cluster.refresh(ctx, some...); err != nil {
			return err
		}
	}
	return nil
}

// createMissing creates those that are not known to be there, and waits for their leaders.
func (a *admin) createMissing(ctx context.Context, specs []topicSpec) error {
	var created []string
	var some []topicSpec
	partitions := 0
	flush := func() error {
		if len(some) == 0 {
			return nil
		}
		err := a.create(ctx, some...)
		some, partitions = some[:0], 0
		return err
	}
	asked := map[string]bool{} // a request that names a topic twice is refused
	for _, s := range specs {
		name := topicName(s.name)
		if asked[name] || a.cluster.known(name) != nil {
			continue
		}
		asked[name] = true
		n := max(1, or(s.partitions, a.cfg.Partitions))
		if len(some) == topicsAtOnce || partitions+n > partitionsAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
		some, partitions, created = append(some, s), partitions+n, append(created, name)
	}
	if err := flush(); err != nil {
		return err
	}
	return a.allSettled(ctx, created)
}

// allSettled waits until each partition of the topics has a leader: for one part after the other, since that is how brokers come to know them.
func (a *admin) allSettled(ctx context.Context, names []string) error {
	for some := range slices.Chunk(names, topicsAtOnce) {
		if err := a.someSettled(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (a *admin) someSettled(ctx context.Context, names []string) error {
	pause := backoff.New(retryFirst/4, settleMost)
	led := func(name string) bool {
		t := a.cluster.known(name)
		return t != nil && len(t.leaders) > 0 && !slices.Contains(t.leaders, noBroker)
	}
	for {
		err := a.cluster.refresh(ctx, names...)
		if permanent(err) {
			return err
		}
		if names = slices.DeleteFunc(names, led); len(names) == 0 {
			return nil
		}
		if pause.Wait(ctx) != nil {
			return ended(ctx, err)
		}
	}
}

// readSettings reads the settings of topics that are told bounds, and of those whose groups have no inbox yet. A topic that the user may not
// ask for is left out.
func (a *admin) readSettings(ctx context.Context, topics []driver.TopicSpec, seen *survey) error {
	var names []string
	for i := range topics {
		t := &topics[i]
		info := a.cluster.known(t.Name)
		if info == nil || a.wayOf(t) == DeclareNone {
			continue
		}
		if len(bounds(*t, len(info.leaders))) > 0 || len(a.missingInbox(t)) > 0 {
			names = append(names, t.Name)
		}
	}
	for some := range slices.Chunk(names, namesAtOnce) {
		req := &describeconfigs.Request{}
		for _, name := range some {
			req.Resources = append(req.Resources, describeconfigs.RequestResource{
				ResourceType: ofTopic, ResourceName: name, ConfigNames: append([]string{sizeConfig}, boundConfigs...),
			})
		}
		answer, err := a.cluster.ask(ctx, a.cluster.anyNode(), req)
		if err != nil {
			return err
		}
		res, ok := answer.(*describeconfigs.Response)
		if !ok {
			return errProtocol
		}
		for i := range res.Resources {
			seen.learn(&res.Resources[i])
		}
	}
	return nil
}

func (s *survey) learn(r *describeconfigs.ResponseResource) {
	if r.ErrorCode != 0 {
		return
	}
	values := map[string]string{}
	for _, c := range r.ConfigEntries {
		values[c.ConfigName] = c.ConfigValue
	}
	s.settings[r.ResourceName] = values
}

// missingInbox returns the derived names of a topic's inboxes that are to be created.
func (a *admin) missingInbox(t *driver.TopicSpec) []string {
	if a.wayOf(t) != DeclareCreate {
		return nil
	}
	var missing []string
	for _, g := range t.Groups {
		for i, name := range inboxTopics(t.Name, g) {
			if a.cluster.known(name) == nil {
				missing = append(missing, driver.Name(driver.KindInbox, t.Name, g, tiers[i].name))
			}
		}
	}
	return missing
}

// inboxesOf are the inbox topics that are missing. Nothing is made for a topic that is not as told, or whose settings could not be read.
func (a *admin) inboxesOf(topics []driver.TopicSpec, seen *survey) []topicSpec {
	var specs []topicSpec
	for i := range topics {
		t := &topics[i]
		info := a.cluster.known(t.Name)
		settings, known := seen.configs(t.Name)
		if info == nil || !known || conflict(t, len(info.leaders), settings) != nil {
			continue
		}
		for _, name := range a.missingInbox(t) {
			specs = append(specs, topicSpec{name: name, partitions: len(info.leaders), configs: kept(), size: a.heirSize(sizeIn(settings))})
		}
	}
	return specs
}
