package kafka

import (
	"context"
	"fmt"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/incrementalalterconfigs"

	"github.com/herald-go/herald/pkg/driver"
)

const (
	// sizeConfig is a topic's setting for its largest batch. It overrides the broker's message.max.bytes, upwards too:
	// https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes.
	sizeConfig = "max.message.bytes"
	// stockMessage is Kafka's own max.message.bytes.
	stockMessage = 1_048_588
	// stockRequest is Kafka's own socket.request.max.bytes, above which a broker hangs up whatever the topic takes.
	stockRequest = 100 << 20
	// attributesRoom is what a copy for a later try or a dead letter may add to a message.
	attributesRoom = 48 << 10
)

// maxMessage returns how large a batch the topic takes. Who may not ask gets the cluster's number: the broker then says what is too large.
func (a *admin) maxMessage(ctx context.Context, topic string) int {
	n, err := a.sizeOf(ctx, topic)
	if err != nil || n <= 0 {
		return a.most
	}
	return n
}

// sizeOf returns a topic's max.message.bytes, 0 where it does not show.
func (a *admin) sizeOf(ctx context.Context, topic string) (int, error) {
	values, err := a.configs(ctx, ofTopic, topic, sizeConfig)
	if denied(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return sizeIn(values), nil
}

// sizeIn is the max.message.bytes among a topic's settings, 0 where it does not show.
func sizeIn(values map[string]string) int {
	n, err := strconv.Atoi(values[sizeConfig])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// derivedSize returns the max.message.bytes of topics to be that hold copies of another's messages: what that one takes, and what a copy adds.
// It is 0 where the cluster's own is enough.
func (a *admin) derivedSize(ctx context.Context, source string) (int, error) {
	n, err := a.sizeOf(ctx, source)
	if err != nil {
		return 0, err
	}
	return a.heirSize(n), nil
}

// heirSize is derivedSize for a source that takes n bytes.
func (a *admin) heirSize(n int) int {
	if n < a.most {
		return 0
	}
	return n + attributesRoom
}

// heirs are the topics that hold copies of a group's messages, whether they are there or not.
func heirs(topic, group string) []string {
	dead, redrive := driver.Name(driver.KindDead, topic, group), driver.Name(driver.KindRedrive, topic, group)
	return append(inboxTopics(topic, group), topicName(dead), topicName(redrive))
}

// widen lets topics that are there take what the topic they were derived from takes: it may have been allowed more since. It is an error that
// they do not, and what keeps this user from changing it.
func (a *admin) widen(ctx context.Context, source string, topics ...string) error {
	n, err := a.sizeOf(ctx, source)
	if err != nil || n <= a.most {
		return err
	}
	req := &incrementalalterconfigs.Request{}
	for _, name := range topics {
		has, err := a.sizeOf(ctx, name)
		if is(err, kafkago.UnknownTopicOrPartition) || err == nil && (has == 0 || has >= n) {
			continue
		}
		if err != nil {
			return err
		}
		req.Resources = append(req.Resources, incrementalalterconfigs.RequestResource{
			ResourceType: ofTopic, ResourceName: name,
			Configs: []incrementalalterconfigs.RequestConfig{{Name: sizeConfig, Value: strconv.Itoa(n + attributesRoom)}},
		})
	}
	if len(req.Resources) == 0 {
		return nil
	}
	if a.cfg.Declare != DeclareCreate {
		return fmt.Errorf("%s takes less than %s's %d bytes, and declare is %s", req.Resources[0].ResourceName, source, n, a.cfg.Declare)
	}
	answer, err := a.cluster.ask(ctx, a.cluster.anyNode(), req)
	if err != nil {
		return err
	}
	res, ok := answer.(*incrementalalterconfigs.Response)
	if !ok {
		return errProtocol
	}
	for _, r := range res.Responses {
		if err := code(r.ErrorCode); err != nil {
			return fmt.Errorf("%s takes less than %s's %d bytes: %w", r.ResourceName, source, n, err)
		}
	}
	return nil
}
