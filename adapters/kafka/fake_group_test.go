package kafka

import (
	"encoding/binary"
	"strconv"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/deletegroups"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
	"github.com/segmentio/kafka-go/protocol/syncgroup"
)

// fakeGroup is as much of a group as its one member needs. The fake's lock guards it.
type fakeGroup struct {
	log        map[target][]byte // of each partition: one batch, from offset 0 on
	ends       map[target]int64
	generation int32
	stored     map[target]committed
	refuse     kafkago.Error // what commits are told, 0 for none
	expelled   bool          // the next heartbeat is told that the group has gone on
	elsewhere  kafkago.Error // what joins, heartbeats and leaving are told, 0 for none
	left       int           // so often was it left
	cutOff     int           // after so many deletions of the group the connection breaks
	members    int           // what it is said to have beside this one
	blind      int           // so many questions for offsets come to one who does not lead
}

func newFakeGroup() *fakeGroup {
	return &fakeGroup{log: map[target][]byte{}, ends: map[target]int64{}, stored: map[target]committed{}}
}

// holds fills a partition with records.
func (g *fakeGroup) holds(t *testing.T, partition, n int) {
	t.Helper()
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = strconv.Itoa(i)
	}
	at := target{fakeTopic, partition}
	g.log[at], g.ends[at] = stored(t, 0, 1, 0, bodies...), int64(n)
}

// beginAnew deletes the topic and makes it again, with other records.
func (f *fake) beginAnew(t *testing.T, records int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.group.holds(t, 0, records)
	clear(f.group.stored)
}

// refuseCommits lets commits fail with an error, or not with 0.
func (f *fake) refuseCommits(err kafkago.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.group.refuse = err
}

// expel lets the group go on without its member.
func (f *fake) expel() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.group.expelled = true
}

// position returns what is stored of a partition.
func (f *fake) position(partition int) committed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.group.stored[target{fakeTopic, partition}]
}

func (g *fakeGroup) reply(msg protocol.Message, partitions int) protocol.Message {
	switch req := msg.(type) {
	case *findcoordinator.Request:
		return &findcoordinator.Response{NodeID: 1, Host: "fake", Port: 9092}
	case *describegroups.Request:
		return &describegroups.Response{Groups: []describegroups.ResponseGroup{{
			GroupID: req.Groups[0], GroupState: "Dead", Members: make([]describegroups.ResponseGroupMember, g.members),
		}}}
	case *deletegroups.Request:
		return g.delete()
	case *joingroup.Request:
		if g.elsewhere != 0 {
			return &joingroup.Response{ErrorCode: int16(g.elsewhere)}
		}
		g.generation++
		return &joingroup.Response{
			GenerationID: g.generation, ProtocolName: protocolName, LeaderID: "m-1", MemberID: "m-1",
			Members: []joingroup.ResponseMember{{MemberID: "m-1", Metadata: req.Protocols[0].Metadata}},
		}
	case *syncgroup.Request:
		return &syncgroup.Response{Assignments: req.Assignments[0].Assignment}
	case *heartbeat.Request:
		res := &heartbeat.Response{ErrorCode: int16(g.elsewhere)}
		if g.expelled {
			g.expelled, res.ErrorCode = false, int16(kafkago.UnknownMemberId)
		}
		return res
	case *leavegroup.Request:
		g.left++
		return &leavegroup.Response{ErrorCode: int16(g.elsewhere)}
	case *offsetfetch.Request:
		return g.positions(req)
	case *offsetcommit.Request:
		return g.commit(req)
	case *listoffsets.Request:
		return g.offsets(req)
	default:
		return nil
	}
}

// delete deletes the group; nil where the answer is lost.
func (g *fakeGroup) delete() protocol.Message {
	res := &deletegroups.Response{Responses: []deletegroups.ResponseGroup{{}}}
	if g.members > 0 {
		res.Responses[0].ErrorCode = int16(kafkago.NonEmptyGroup)
		return res
	}
	if len(g.stored) == 0 {
		res.Responses[0].ErrorCode = int16(kafkago.GroupIdNotFound)
	}
	clear(g.stored)
	if g.cutOff > 0 {
		g.cutOff--
		return nil
	}
	return res
}

func (g *fakeGroup) positions(req *offsetfetch.Request) protocol.Message {
	res := &offsetfetch.Response{}
	for _, t := range req.Topics {
		topic := offsetfetch.ResponseTopic{Name: t.Name}
		for _, p := range t.PartitionIndexes {
			at, ok := g.stored[target{t.Name, int(p)}]
			if !ok {
				at.offset = -1
			}
			topic.Partitions = append(topic.Partitions, offsetfetch.ResponsePartition{
				PartitionIndex: p, CommittedOffset: at.offset, Metadata: at.ahead,
			})
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}

func (g *fakeGroup) commit(req *offsetcommit.Request) protocol.Message {
	res := &offsetcommit.Response{}
	for _, t := range req.Topics {
		topic := offsetcommit.ResponseTopic{Name: t.Name}
		for _, p := range t.Partitions {
			if g.refuse == 0 {
				g.stored[target{t.Name, int(p.PartitionIndex)}] = committed{p.CommittedOffset, p.CommittedMetadata}
			}
			topic.Partitions = append(topic.Partitions, offsetcommit.ResponsePartition{PartitionIndex: p.PartitionIndex, ErrorCode: int16(g.refuse)})
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}

func (g *fakeGroup) offsets(req *listoffsets.Request) protocol.Message {
	topic := listoffsets.ResponseTopic{Topic: req.Topics[0].Topic}
	code := int16(0)
	if g.blind > 0 {
		g.blind--
		code = int16(kafkago.NotLeaderForPartition)
	}
	for _, p := range req.Topics[0].Partitions {
		offset := int64(0)
		if p.Timestamp != atOldest {
			offset = g.ends[target{topic.Topic, int(p.Partition)}]
		}
		topic.Partitions = append(topic.Partitions, listoffsets.ResponsePartition{Partition: p.Partition, ErrorCode: code, Offset: offset})
	}
	return &listoffsets.Response{Topics: []listoffsets.ResponseTopic{topic}}
}

// fetch answers with what there is; where there is nothing it waits as a broker does.
func (f *fake) fetch(frame []byte) []byte {
	p := wireParser{b: frame[8:]}
	p.text()                          // client
	p.take(4 + 4 + 4 + 4 + 1 + 4 + 4) // replica, wait, least, most, isolation, session
	out := append(make([]byte, 4), frame[4:8]...)
	out = append(out, make([]byte, 4+2+4)...) // not throttled, no error, no session
	topics, found := p.count(), false
	out = binary.BigEndian.AppendUint32(out, uint32(topics))
	for range topics {
		topic := p.text()
		out = appendString(out, topic)
		partitions := p.count()
		out = binary.BigEndian.AppendUint32(out, uint32(partitions))
		for range partitions {
			number := int(p.int32())
			p.take(4)
			offset := int64(binary.BigEndian.Uint64(p.take(8)))
			p.take(8 + 4)
			data, end := f.held(topic, number, offset)
			found = found || len(data) > 0
			out = binary.BigEndian.AppendUint32(out, uint32(number))
			var code kafkago.Error
			if offset > end {
				code, found = kafkago.OffsetOutOfRange, true
			}
			out = binary.BigEndian.AppendUint16(out, uint16(code))
			out = binary.BigEndian.AppendUint64(out, uint64(end))
			out = append(out, make([]byte, 8+8+4)...)
			out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
			out = append(out, data...)
		}
	}
	if !found {
		<-time.After(fetchWait)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// held returns what is held of a partition from an offset on, and where that ends.
func (f *fake) held(topic string, partition int, offset int64) ([]byte, int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := target{topic, partition}
	if offset >= f.group.ends[at] {
		return nil, f.group.ends[at]
	}
	return f.group.log[at], f.group.ends[at]
}
