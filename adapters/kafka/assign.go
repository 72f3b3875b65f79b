package kafka

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
)

// How members of a group agree, over Kafka's own group protocol. What moves is a unit: a partition of the topic with the same partition of
// each inbox topic. Nobody gives up what it keeps: in one round the leader takes units away, the members that had them finish and join again,
// and the next round gives them to others. These are wire formats.
const (
	protocolType = "consumer" // so that Kafka's tools can show assignments
	protocolName = "herald-1"
)

// card is what a member tells the others, as JSON in the protocol's user data.
type card struct {
	// Generation is the one in which the member last got units.
	Generation int32 `json:"generation"`
	// Units are what it still has.
	Units []int `json:"units"`
	// Partitions is how many partitions of the topic it knows.
	Partitions int `json:"partitions"`
	// Types is its filter.
	Types []string `json:"types"`
}

// encodeMetadata writes a member's subscription as Kafka's ConsumerProtocolSubscription, version 1.
func encodeMetadata(topics []string, c card) []byte {
	data, err := json.Marshal(c)
	if err != nil {
		data = nil // never: numbers and texts can be written
	}
	b := binary.BigEndian.AppendUint16(nil, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(topics))) //nolint:gosec // a count
	for _, t := range topics {
		b = appendString(b, t)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(data))) //nolint:gosec // short
	b = append(b, data...)
	return appendPartitions(b, topics, c.Units)
}

func appendPartitions(b []byte, topics []string, units []int) []byte {
	if len(units) == 0 {
		return binary.BigEndian.AppendUint32(b, 0)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(topics))) //nolint:gosec // a count
	for _, t := range topics {
		b = appendString(b, t)
		b = binary.BigEndian.AppendUint32(b, uint32(len(units))) //nolint:gosec // a count
		for _, u := range units {
			b = binary.BigEndian.AppendUint32(b, uint32(u)) //nolint:gosec // not negative
		}
	}
	return b
}

// decodeMetadata reads the card out of a member's subscription; false for a member that is not Herald's.
func decodeMetadata(b []byte) (c card, ok bool) {
	p := wireParser{b: b}
	p.take(2)
	for range p.count() {
		p.text()
	}
	data := p.block()
	if p.bad || json.Unmarshal(data, &c) != nil {
		return card{}, false
	}
	return c, true
}

// encodeAssignment writes a member's units as Kafka's ConsumerProtocolAssignment, version 0.
func encodeAssignment(topics []string, units []int) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0)
	b = appendPartitions(b, topics, units)
	return binary.BigEndian.AppendUint32(b, 0xffffffff) // no user data
}

// decodeAssignment reads the units: the partitions of the topic.
func decodeAssignment(b []byte, topic string) []int {
	p := wireParser{b: b}
	p.take(2)
	var units []int
	for range p.count() {
		name := p.text()
		for range p.count() {
			u := int(p.int32())
			if name == topic && u >= 0 && !p.bad {
				units = append(units, u)
			}
		}
	}
	slices.Sort(units)
	return slices.Compact(units)
}

// wireParser reads the parts of a group's bytes; a part that is not whole sets bad.
type wireParser struct {
	b   []byte
	bad bool
}

func (p *wireParser) take(n int) []byte {
	if n < 0 || n > len(p.b) {
		p.bad, p.b = true, nil
		return nil
	}
	b := p.b[:n]
	p.b = p.b[n:]
	return b
}

func (p *wireParser) int32() int32 {
	b := p.take(4)
	if b == nil {
		return 0
	}
	return int32(binary.BigEndian.Uint32(b)) //nolint:gosec // the wire's sign
}

func (p *wireParser) count() int {
	n := int(p.int32())
	if n > len(p.b) {
		p.bad = true
		return 0
	}
	return max(0, n)
}

func (p *wireParser) text() string {
	b := p.take(2)
	if b == nil {
		return ""
	}
	return string(p.take(int(binary.BigEndian.Uint16(b))))
}

func (p *wireParser) block() []byte { return p.take(max(0, int(p.int32()))) }

// peer is a member as the leader sees it.
type peer struct {
	id string
	card
}

// assign shares n units among the members: each gets its fair number, keeps what it has up to that, and gets of the rest only what nobody
// has. A unit that two claim belongs to the one of the later generation.
func assign(peers []peer, n int) map[string][]int {
	given := make(map[string][]int, len(peers))
	if len(peers) == 0 {
		return given
	}
	peers = slices.Clone(peers)
	owner := owners(peers, n)
	has := map[string]int{}
	for _, o := range owner {
		if o != "" {
			has[o]++
		}
	}
	// Who has most keeps the odd ones, so that as little as possible moves.
	slices.SortFunc(peers, func(a, b peer) int { return cmp.Or(has[b.id]-has[a.id], cmp.Compare(a.id, b.id)) })
	quota := map[string]int{}
	for i, p := range peers {
		quota[p.id] = n / len(peers)
		if i < n%len(peers) {
			quota[p.id]++
		}
		given[p.id] = nil
	}
	for u, o := range owner {
		if o != "" && len(given[o]) < quota[o] {
			given[o] = append(given[o], u)
		}
	}
	for u, o := range owner {
		if o != "" {
			continue // kept, or still to be given up
		}
		for _, p := range peers {
			if len(given[p.id]) < quota[p.id] {
				given[p.id] = append(given[p.id], u)
				break
			}
		}
	}
	for id := range maps.Keys(given) {
		slices.Sort(given[id])
	}
	return given
}

// owners returns who has each unit, "" for nobody.
func owners(peers []peer, n int) []string {
	owner, generation := make([]string, n), make([]int32, n)
	for _, p := range peers {
		for _, u := range p.Units {
			if u < 0 || u >= n {
				continue
			}
			if owner[u] == "" || p.Generation > generation[u] {
				owner[u], generation[u] = p.id, p.Generation
			}
		}
	}
	return owner
}
