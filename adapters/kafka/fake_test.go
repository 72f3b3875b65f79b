package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/createpartitions"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/deletetopics"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
	"github.com/segmentio/kafka-go/protocol/listgroups"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
)

// fake is as much of a Kafka cluster as publishing needs: one broker in this process, one topic with a group. Its connections are pipes, so
// that it works inside a synctest bubble.
type fake struct {
	mu         sync.Mutex
	partitions int
	leaderless map[int]bool
	ids        int64
	answer     func(a attempt) verdict // nil stores everything
	attempts   []attempt
	conns      []net.Conn
	pumps      sync.WaitGroup
	dials      int
	away       bool // connections are accepted and end at once, as behind a proxy
	group      *fakeGroup
	listless   bool // no group is listed
	requests   int  // of any kind
	topics     fakeTopics
	told       notices         // by subscriptions of reads
	mute       protocol.ApiKey // requests of this kind get no answer; that of Produce is for none
	ghosts     int             // so many answers still tell of the ghost
	locked     bool            // every login is refused
}

// attempt is one batch that was sent.
type attempt struct {
	partition int
	producer  producer
	sequence  int32
	bytes     string
	ids       []string
}

// verdict is what the broker does with it.
type verdict struct {
	code   int16
	hangUp bool // no answer: the connection breaks
	hold   chan struct{}
}

const fakeTopic = "orders"

// ghost is a broker that has just died.
const ghost = "ghost:9092"

func newFake(partitions int) *fake { return &fake{partitions: partitions, leaderless: map[int]bool{}} }

// Dial is for Config.Dial.
func (f *fake) Dial(_ context.Context, _, address string) (net.Conn, error) {
	if address == ghost {
		return nil, errors.New("nobody listens")
	}
	near, far := net.Pipe()
	f.mu.Lock()
	f.conns = append(f.conns, far)
	f.dials++
	away := f.away
	f.mu.Unlock()
	if away {
		return near, far.Close()
	}
	f.pumps.Go(func() { f.serve(far) })
	return near, nil
}

func (f *fake) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c, frame); err != nil {
			return
		}
		f.mu.Lock()
		f.requests++
		mute := f.mute
		f.mu.Unlock()
		key, version, serial := protocol.ApiKey(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:])), int32(binary.BigEndian.Uint32(frame[4:]))
		if mute != protocol.Produce && key == mute {
			continue
		}
		var res protocol.Message
		switch key {
		case protocol.Produce:
			res = f.produce(frame)
		case protocol.Fetch, protocol.Metadata, protocol.DeleteRecords:
			if version < flexibleFakes[key] {
				res = f.message(append(size[:], frame...))
				break
			}
			if _, err := c.Write(f.raw(key, version, frame)); err != nil {
				return
			}
			continue
		default:
			res = f.message(append(size[:], frame...))
		}
		if res == nil || protocol.WriteResponse(c, version, serial, res) != nil {
			return
		}
	}
}

// message answers a request that the client library can read; nil hangs up.
func (f *fake) message(request []byte) protocol.Message {
	_, _, _, msg, err := protocol.ReadRequest(bytes.NewReader(request))
	if err != nil {
		return nil
	}
	return f.reply(msg)
}

func (f *fake) reply(msg protocol.Message) protocol.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch req := msg.(type) {
	case *apiversions.Request:
		res := &apiversions.Response{}
		for key, most := range newest {
			if most = f.topics.newest(key, most); most >= 0 {
				res.ApiKeys = append(res.ApiKeys, apiversions.ApiKeyResponse{ApiKey: int16(key), MaxVersion: most})
			}
		}
		return res
	case *metadata.Request:
		res := &metadata.Response{Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: "fake", Port: 9092}}, ControllerID: 1}
		if f.ghosts > 0 {
			f.ghosts--
			res.Brokers = append(res.Brokers, metadata.ResponseBroker{NodeID: 0, Host: "ghost", Port: 9092})
		}
		for _, name := range req.TopicNames {
			res.Topics = append(res.Topics, f.topic(name))
		}
		return res
	case *listgroups.Request:
		if f.listless {
			return &listgroups.Response{}
		}
		return &listgroups.Response{Groups: []listgroups.ResponseGroup{{GroupID: groupID(fakeTopic, "billing")}}}
	case *describeconfigs.Request:
		return &describeconfigs.Response{Resources: []describeconfigs.ResponseResource{{}}}
	case *initproducerid.Request:
		f.ids++
		return &initproducerid.Response{ProducerID: 4000 + f.ids}
	case *saslhandshake.Request:
		return &saslhandshake.Response{}
	case *saslauthenticate.Request:
		res := &saslauthenticate.Response{}
		if f.locked {
			res.ErrorCode = int16(kafkago.SASLAuthenticationFailed)
		}
		return res
	case *createtopics.Request, *createpartitions.Request, *deletetopics.Request:
		return f.topics.administer(msg)
	default:
		if f.group == nil {
			return nil
		}
		return f.group.reply(msg, f.partitions)
	}
}

// back lets connections be again.
func (f *fake) back() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = false
}

// crash ends every connection, and lets new ones come to nothing.
func (f *fake) crash() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = true
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

// dialled returns how often it was dialled since the last call.
func (f *fake) dialled() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.dials
	f.dials = 0
	return n
}

// asked returns how many requests it has had.
func (f *fake) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func (f *fake) topic(name string) metadata.ResponseTopic {
	t := metadata.ResponseTopic{Name: name}
	if f.topics.missing(name) {
		t.ErrorCode = int16(kafkago.UnknownTopicOrPartition)
		return t
	}
	if name != fakeTopic && (f.group == nil || !slices.Contains(inboxTopics(fakeTopic, "billing"), name)) {
		t.ErrorCode = 3
		return t
	}
	n := f.partitions
	if name != fakeTopic && f.topics.short > 0 {
		f.topics.short--
		n--
	}
	for i := range n {
		leader := int32(1)
		if f.leaderless[i] {
			leader = -1
		}
		t.Partitions = append(t.Partitions, metadata.ResponsePartition{PartitionIndex: int32(i), LeaderID: leader, ReplicaNodes: []int32{1}})
	}
	return t
}

// produce reads the batches of a request and asks what becomes of each; nil hangs up.
func (f *fake) produce(frame []byte) protocol.Message {
	p := wireParser{b: frame[8:]}
	p.text()          // client
	p.take(2 + 2 + 4) // transaction, acks, time-out
	res := &produce.Response{}
	for range p.count() {
		t := produce.ResponseTopic{Topic: p.text()}
		for range p.count() {
			a := attempt{partition: int(p.int32())}
			b := p.block()
			a.bytes = string(b)
			a.producer = producer{int64(binary.BigEndian.Uint64(b[atProducer:])), int16(binary.BigEndian.Uint16(b[atEpoch:]))}
			a.sequence = int32(binary.BigEndian.Uint32(b[atSequence:]))
			msgs, _, _ := decode(b, 0)
			for _, m := range msgs {
				a.ids = append(a.ids, m.ID)
			}
			f.mu.Lock()
			f.attempts = append(f.attempts, a)
			answer := f.answer
			f.mu.Unlock()
			var v verdict
			if answer != nil {
				f.mu.Lock() // scripts count their calls
				v = answer(a)
				f.mu.Unlock()
			}
			if v.hold != nil {
				<-v.hold
			}
			if v.hangUp {
				return nil
			}
			t.Partitions = append(t.Partitions, produce.ResponsePartition{Partition: int32(a.partition), ErrorCode: v.code})
		}
		res.Topics = append(res.Topics, t)
	}
	return res
}

func (f *fake) seen() []attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]attempt(nil), f.attempts...)
}
