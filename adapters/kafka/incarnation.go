package kafka

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	kafkago "github.com/segmentio/kafka-go"
)

// topicID tells a topic from another of the same name: one that is deleted and made again has another id, and ids never return. Brokers tell it
// from 2.8 on; the zero value is not known.
type topicID [16]byte

func (id topicID) known() bool { return id != topicID{} }

// anotherThan reports whether both are known, and differ.
func (id topicID) anotherThan(other topicID) bool { return id.known() && other.known() && id != other }

// What brokers say of an id that is none of their topics', or not yet; the client library has no names for it:
// https://kafka.apache.org/protocol#protocol_error_codes.
const (
	unknownTopicID      kafkago.Error = 100
	inconsistentTopicID kafkago.Error = 103
)

const (
	// logMark stands behind the runs of what is finished, before the id of the topic that they are of. It is larger than any gap, so that
	// readers from before there were ids take it for the end of the runs. It is a wire format.
	logMark = 1 << 41
	// logLeast is the least room beside a position that ids take a part of: they need 30 characters.
	logLeast = 64
)

// appendLog writes whose runs stand before it.
func appendLog(runs []byte, id topicID) []byte {
	return append(binary.AppendUvarint(runs, logMark), id[:]...)
}

// logBeside returns the topic that a position is of, as what travels beside it says; zero where it says nothing.
func logBeside(text string) (id topicID) {
	raw, ok := bytes.CutPrefix([]byte(text), []byte(aheadRuns))
	if !ok {
		return id
	}
	n, err := base64.RawStdEncoding.Decode(raw, raw)
	if err != nil {
		return id
	}
	raw = raw[:n]
	for i := 0; len(raw) > 0; i++ {
		v, n := binary.Uvarint(raw)
		if n <= 0 {
			return id
		}
		raw = raw[n:]
		if i%2 == 0 && v == logMark && len(raw) == len(id) {
			return topicID(raw)
		}
	}
	return id
}
