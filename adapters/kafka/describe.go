package kafka

import (
	"bufio"
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// describeVersion is the first version of Metadata that tells the ids of topics. It is encoded here, since the client library has none of them.
const describeVersion = 10

// described is what a broker says of the cluster and of some topics. ids has one for each topic where the broker tells them, else it is empty.
type described struct {
	*metadata.Response
	ids []topicID
}

// describeTopics asks any broker for topics, with their ids if it has them.
func (c *cluster) describeTopics(ctx context.Context, topics []string) (described, error) {
	conn, err := c.shared(ctx, bootstrap)
	if err != nil {
		return described{}, err
	}
	var res described
	if conn.takes(protocol.Metadata, describeVersion) {
		res, err = conn.describe(ctx, topics)
	} else {
		res, err = conn.describeWithoutIDs(ctx, topics)
	}
	if err != nil && conn.dead() {
		c.trouble(err)
	}
	return res, err
}

func (c *conn) describeWithoutIDs(ctx context.Context, topics []string) (described, error) {
	answer, err := c.call(ctx, &metadata.Request{TopicNames: topics})
	if err != nil {
		return described{}, err
	}
	res, ok := answer.(*metadata.Response)
	if !ok {
		return described{}, errProtocol
	}
	return described{Response: res}, nil
}

func (c *conn) describe(ctx context.Context, topics []string) (described, error) {
	var res described // the reader's until there is an answer, also when nobody waits for that any more
	err := c.raw(ctx, protocol.Metadata, describeVersion, appendDescribe(nil, topics), c.limit, func(r *bufio.Reader, size int) (err error) {
		res, err = readDescribe(&wireReader{r: r, left: size})
		return err
	})
	if err != nil {
		return described{}, err
	}
	return res, nil
}

func appendDescribe(b []byte, topics []string) []byte {
	b = appendCount(b, len(topics))
	for _, name := range topics {
		b = append(b, make([]byte, len(topicID{}))...) // asked for by name
		b = append(appendCompact(b, name), noTags)
	}
	return append(b, 0, 0, 0, noTags) // nothing is created, and nobody's rights are asked for
}

// readDescribe reads the answer: https://kafka.apache.org/protocol#The_Messages_Metadata.
func readDescribe(r *wireReader) (described, error) {
	res := described{Response: &metadata.Response{}}
	r.tags()
	r.int32() // throttled for
	for range r.many() {
		b := metadata.ResponseBroker{NodeID: r.int32(), Host: r.compact(), Port: r.int32(), Rack: r.compact()}
		r.tags()
		res.Brokers = append(res.Brokers, b)
	}
	res.ClusterID = r.compact()
	res.ControllerID = r.int32()
	for range r.many() {
		t := metadata.ResponseTopic{ErrorCode: r.int16(), Name: r.compact()}
		res.ids = append(res.ids, r.id())
		r.take(1) // internal
		for range r.many() {
			t.Partitions = append(t.Partitions, readPartition(r))
		}
		r.int32() // rights
		r.tags()
		if r.err != nil {
			break
		}
		res.Topics = append(res.Topics, t)
	}
	r.int32() // rights
	r.tags()
	r.rest()
	if r.err != nil {
		return described{}, fmt.Errorf("%w: metadata: %w", errProtocol, r.err)
	}
	return res, nil
}

func readPartition(r *wireReader) metadata.ResponsePartition {
	p := metadata.ResponsePartition{ErrorCode: r.int16(), PartitionIndex: r.int32(), LeaderID: r.int32()}
	r.int32() // the leader's epoch
	p.ReplicaNodes = make([]int32, min(r.many(), r.left))
	for i := range p.ReplicaNodes {
		p.ReplicaNodes[i] = r.int32()
	}
	r.numbers() // in sync
	r.numbers() // away
	r.tags()
	return p
}
