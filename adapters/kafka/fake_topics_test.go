package kafka

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/createpartitions"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/deletetopics"
)

// fakeTopics is what the fake tells of its topics beside their partitions. The zero value is a broker from before there were ids. The fake's
// lock guards it.
type fakeTopics struct {
	ids     bool
	named   bool            // fetches are by name yet
	lives   map[string]byte // how often each was made again
	gone    map[string]bool
	unknown int                         // so many answers about the topic deny it yet
	refuse  int                         // so many fetches are told that the id is not known
	made    []createtopics.RequestTopic // what it was asked to create
	byName  int                         // fetches that asked for no id
	lies    int                         // so many answers tell the id of another topic
	trims   int                         // requests to delete records
	short   int                         // so many answers tell one partition less of a tier
	grown   int                         // requests for more partitions
	denied  bool                        // they are not allowed; else somebody was faster
}

// flexibleFakes are the versions from which requests are read here.
var flexibleFakes = map[protocol.ApiKey]int16{protocol.Fetch: 0, protocol.Metadata: describeVersion, protocol.DeleteRecords: 0}

// newest is the newest version of a request that the fake takes.
func (ft *fakeTopics) newest(key protocol.ApiKey, usual int16) int16 {
	switch {
	case !ft.ids:
		return usual
	case key == protocol.Fetch && !ft.named:
		return fetchByIDVersion
	case key == protocol.Metadata:
		return describeVersion
	default:
		return usual
	}
}

func (ft *fakeTopics) missing(name string) bool {
	if name == fakeTopic && ft.unknown > 0 {
		ft.unknown--
		return true
	}
	return ft.gone[name]
}

// administer makes, widens and deletes topics.
func (ft *fakeTopics) administer(msg protocol.Message) protocol.Message {
	switch req := msg.(type) {
	case *createtopics.Request:
		ft.create(req)
		return &createtopics.Response{}
	case *createpartitions.Request:
		res := &createpartitions.Response{}
		for _, t := range req.Topics {
			one := createpartitions.ResponseResult{Name: t.Name, ErrorCode: int16(kafkago.InvalidPartitionNumber)}
			if ft.denied {
				one.ErrorCode = int16(kafkago.TopicAuthorizationFailed)
			}
			res.Results = append(res.Results, one)
		}
		ft.grown++
		return res
	case *deletetopics.Request:
		for _, name := range req.TopicNames {
			ft.gone[name] = true
		}
		return &deletetopics.Response{}
	default:
		return nil
	}
}

func (ft *fakeTopics) create(req *createtopics.Request) {
	ft.made = append(ft.made, req.Topics...)
	for _, t := range req.Topics {
		if ft.gone[t.Name] {
			ft.lives[t.Name]++
		}
		delete(ft.gone, t.Name)
	}
}

// id is what a topic has in its present life.
func (ft *fakeTopics) id(name string) (id topicID) {
	binary.BigEndian.PutUint32(id[:], crc32.ChecksumIEEE([]byte(name)))
	id[15] = 1 + ft.lives[name]
	return id
}

// newFakeWithIDs returns a cluster of today, of which topics have ids.
func newFakeWithIDs() *fake {
	f := newFake(1)
	f.topics = fakeTopics{ids: true, lives: map[string]byte{}, gone: map[string]bool{}}
	return f
}

// replace deletes the topic and makes it again, as another one, with other records. Positions are gone too, as they are in a cluster.
func (f *fake) replace(t *testing.T, records int) {
	t.Helper()
	f.beginAnew(t, records)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.topics.lives[fakeTopic]++
}

// with changes the fake.
func (f *fake) with(change func(f *fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// raw answers a request that the client library can't read.
func (f *fake) raw(key protocol.ApiKey, version int16, frame []byte) []byte {
	switch {
	case key == protocol.Metadata:
		return f.describe(frame)
	case key == protocol.DeleteRecords:
		f.with(func(f *fake) { f.topics.trims++ })
		return finishAnswer(append(append(make([]byte, 4), frame[4:8]...), make([]byte, 8)...)) // of no topics
	case version >= fetchByIDVersion:
		return f.fetchByID(frame)
	default:
		f.with(func(f *fake) { f.topics.byName++ })
		return f.fetch(frame)
	}
}

// flexibleRequest reads a request of which the head has tagged fields, and begins the answer.
func flexibleRequest(frame []byte) (r *wireReader, answer []byte) {
	r = &wireReader{r: bufio.NewReader(bytes.NewReader(frame[8:])), left: len(frame) - 8}
	r.string() // client
	r.tags()
	return r, append(append(make([]byte, 4), frame[4:8]...), noTags)
}

func finishAnswer(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func (f *fake) describe(frame []byte) []byte {
	r, b := flexibleRequest(frame)
	b = append(b, make([]byte, 4)...) // not throttled
	b = appendCount(b, 1)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = appendCompact(b, "fake")
	b = binary.BigEndian.AppendUint32(b, 9092)
	b = append(b, 0, noTags) // no rack
	b = appendCompact(b, "cluster")
	b = binary.BigEndian.AppendUint32(b, 1)
	n := r.many()
	b = appendCount(b, n)
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		r.id()
		t := f.topic(r.compact())
		r.tags()
		b = appendCompact(binary.BigEndian.AppendUint16(b, uint16(t.ErrorCode)), t.Name)
		id := f.topics.id(t.Name)
		if t.Name == fakeTopic && f.topics.lies > 0 {
			f.topics.lies--
			id[15] += 100
		}
		b = append(append(b, id[:]...), 0)
		b = appendCount(b, len(t.Partitions))
		for _, p := range t.Partitions {
			b = binary.BigEndian.AppendUint16(b, 0)
			for _, v := range []int32{p.PartitionIndex, p.LeaderID, 0} {
				b = binary.BigEndian.AppendUint32(b, uint32(v))
			}
			b = binary.BigEndian.AppendUint32(appendCount(b, 1), 1)
			b = append(appendCount(appendCount(b, 0), 0), noTags)
		}
		b = append(b, 0, 0, 0, 0, noTags)
	}
	return finishAnswer(append(b, 0, 0, 0, 0, noTags))
}

// fetchByID answers as fetch does, by the topic's id. Inbox topics are empty here.
func (f *fake) fetchByID(frame []byte) []byte {
	r, b := flexibleRequest(frame)
	for range 4 {
		r.int32()
	}
	r.take(1)
	r.int64() // session
	b = append(b, make([]byte, 4+2+4)...)
	topics, found := r.many(), false
	b = appendCount(b, topics)
	for range topics {
		id := r.id()
		b = append(b, id[:]...)
		n := r.many()
		b = appendCount(b, n)
		for range n {
			number := r.int32()
			r.int32()
			offset := r.int64()
			r.int32()
			r.int64()
			r.int32()
			r.tags()
			code, data, end := f.heldBy(id, int(number), offset)
			found = found || code != 0 || len(data) > 0
			b = binary.BigEndian.AppendUint32(b, uint32(number))
			b = binary.BigEndian.AppendUint16(b, uint16(code))
			b = binary.BigEndian.AppendUint64(b, uint64(end))
			b = append(b, make([]byte, 8+8)...)
			b = append(b, 0, 0xff, 0xff, 0xff, 0xff) // nothing aborted, no other replica
			b = append(append(appendCount(b, len(data)), data...), noTags)
		}
		r.tags()
		b = append(b, noTags)
	}
	if !found {
		<-time.After(fetchWait)
	}
	return finishAnswer(append(b, noTags))
}

func (f *fake) heldBy(id topicID, partition int, offset int64) (code kafkago.Error, data []byte, end int64) {
	f.mu.Lock()
	name := ""
	for _, n := range append(inboxTopics(fakeTopic, "billing"), fakeTopic) {
		if id == f.topics.id(n) && !f.topics.gone[n] {
			name = n
		}
	}
	if f.topics.refuse > 0 && name == fakeTopic {
		f.topics.refuse--
		name = ""
	}
	f.mu.Unlock()
	if name == "" {
		return unknownTopicID, nil, -1
	}
	data, end = f.held(name, partition, offset)
	if offset > end {
		return kafkago.OffsetOutOfRange, nil, end
	}
	return 0, data, end
}
