package kafka

import (
	"encoding/binary"
	"fmt"
	"time"
)

// fetchByIDVersion is the first version of Fetch that asks for topics by their id, so that a topic that was deleted and made again is not taken
// for the one before. Brokers take it from 3.1 on; older ones are asked by name.
const fetchByIDVersion = 13

// byID reports whether everything that is wanted can be asked for by id.
func byID(wants []want) bool {
	for i := range wants {
		if !wants[i].log.known() {
			return false
		}
	}
	return true
}

func appendFetchByID(b []byte, wants []want, wait time.Duration, most int) []byte {
	b = appendFetchHead(b, wait, most)
	topics := 0
	for i := range wants {
		if i == 0 || wants[i].log != wants[i-1].log {
			topics++
		}
	}
	b = appendCount(b, topics)
	for i := 0; i < len(wants); {
		n := 1
		for i+n < len(wants) && wants[i+n].log == wants[i].log {
			n++
		}
		b = append(b, wants[i].log[:]...)
		b = appendCount(b, n)
		for _, w := range wants[i : i+n] {
			b = binary.BigEndian.AppendUint32(b, uint32(w.partition)) //nolint:gosec // not negative
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)          // leader epoch not checked
			b = binary.BigEndian.AppendUint64(b, uint64(w.offset))    //nolint:gosec // bits as they are
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)          // nor that of what was fetched last
			b = binary.BigEndian.AppendUint64(b, ^uint64(0))          // log start, for followers only
			b = binary.BigEndian.AppendUint32(b, uint32(w.bytes))     //nolint:gosec // bounded by the caller
			b = append(b, noTags)
		}
		b = append(b, noTags)
		i += n
	}
	b = appendCount(b, 0) // nothing to forget
	b = appendCompact(b, "")
	return append(b, noTags)
}

// readFetchByID reads the answer: https://kafka.apache.org/protocol#The_Messages_Fetch.
func readFetchByID(r *wireReader, wants []want) ([]got, error) {
	r.tags()
	r.int32() // throttled for
	if err := code(r.int16()); err != nil {
		r.rest()
		return nil, err
	}
	r.int32() // session
	all := make([]got, 0, len(wants))
	for range r.many() {
		topic := nameOf(wants, r.id())
		for range r.many() {
			g := got{topic: topic, partition: int(r.int32()), err: code(r.int16())}
			g.highWater, g.stable, g.start = r.int64(), r.int64(), r.int64()
			for range r.many() {
				g.aborted = append(g.aborted, aborted{producer: r.int64(), from: r.int64()})
				r.tags()
			}
			r.int32() // another replica to read from, which was not asked for
			g.data = r.block(r.many())
			r.tags()
			if r.err != nil {
				return nil, fmt.Errorf("%w: fetch: %w", errProtocol, r.err)
			}
			all = append(all, g)
		}
		r.tags()
	}
	r.tags()
	r.rest()
	if r.err != nil {
		return nil, fmt.Errorf("%w: fetch: %w", errProtocol, r.err)
	}
	return all, nil
}

// nameOf returns the name of a topic that was asked for by its id; "" for no such topic.
func nameOf(wants []want, id topicID) string {
	for i := range wants {
		if wants[i].log == id {
			return wants[i].topic
		}
	}
	return ""
}
