package kafka

import (
	"encoding/base64"
	"encoding/binary"
	"sort"
)

// ledger knows which records of a partition were handed out and which of them are finished, in any order. The position that it gives is the
// lowest that is not finished; what is finished after it travels beside the position, in the commit's metadata, so that it does not come
// again. It is guarded by its owner.
type ledger struct {
	entries []entry // by offset, from head on
	head    int
	next    int64 // the offset after all that was passed
	acks    int   // since the last commit
	log     topicID
}

type entry struct {
	offset int64
	state  state
}

type state uint8

const (
	held state = iota
	released
	finished
	restored // finished under an earlier owner
)

// add notes a record that is handed out, or that was finished before.
func (l *ledger) add(offset int64, s state) {
	if l.head > 0 && len(l.entries) == cap(l.entries) {
		n := copy(l.entries, l.entries[l.head:])
		l.entries, l.head = l.entries[:n], 0
	}
	l.entries = append(l.entries, entry{offset, s})
}

// settle ends what is held at an offset; false for what is not.
func (l *ledger) settle(offset int64, s state) bool {
	open := l.entries[l.head:]
	i := sort.Search(len(open), func(i int) bool { return open[i].offset >= offset })
	if i == len(open) || open[i].offset != offset || open[i].state != held {
		return false
	}
	open[i].state = s
	if s == finished {
		l.acks++
	}
	return true
}

// first returns the lowest offset that is not finished, once that is trimmed; false where all are.
func (l *ledger) first() (int64, bool) {
	if l.head == len(l.entries) {
		return 0, false
	}
	return l.entries[l.head].offset, true
}

// trim forgets the finished run at the head.
func (l *ledger) trim() {
	for l.head < len(l.entries) && l.entries[l.head].state >= finished {
		l.head++
	}
	if l.head == len(l.entries) {
		l.entries, l.head = l.entries[:0], 0
	}
}

// aheadBytes bounds what travels beside a position: brokers take 4,096 characters by default.
const aheadBytes = 3000

// position returns what to commit, and how many acks since the last commit it covers.
func (l *ledger) position(limit int) (p committed, acks int) {
	l.trim()
	open := l.entries[l.head:]
	p.offset = l.next
	if len(open) > 0 {
		p.offset = open[0].offset
	}
	var beyond int
	p.ahead, beyond = encodeAhead(p.offset, open, limit, l.log)
	return p, max(0, l.acks-beyond)
}

// span is a run of finished offsets, without its end.
type span struct{ from, to int64 }

// The forms of what travels beside a position. They are a wire format.
const (
	aheadRuns = "1r" // pairs of uvarints: how many are open, how many are finished; then perhaps logMark and the topic's id
	aheadBits = "1b" // a bit for each offset, lowest first; 1 is finished
)

// encodeAhead writes which of the entries after base are finished, and how many acks found no room. Where the log is known it stands beside runs
// that have room, and never beside bits, which have no end of their own.
func encodeAhead(base int64, open []entry, limit int, log topicID) (text string, beyond int) {
	var runs []byte
	at, last, total := base, base, 0
	full := false
	for i := 0; i < len(open); i++ {
		if open[i].state < finished {
			continue
		}
		j := i
		for j+1 < len(open) && open[j+1].state >= finished {
			j++
		}
		total += j - i + 1
		if !full {
			grown := binary.AppendUvarint(runs, uint64(open[i].offset-at))               //nolint:gosec // offsets rise
			grown = binary.AppendUvarint(grown, uint64(open[j].offset+1-open[i].offset)) //nolint:gosec // offsets rise
			full = len(grown) > limit
			if !full {
				runs, at = grown, open[j].offset+1
				beyond += j - i + 1
			}
		}
		last = open[j].offset
		i = j
	}
	named := log.known() && !full && limit >= logLeast
	if total == 0 && !named {
		return "", 0
	}
	beyond = total - beyond
	if named {
		return aheadRuns + base64.RawStdEncoding.EncodeToString(appendLog(runs, log)), 0
	}
	if bits := int(last-base)/8 + 1; (full || bits < len(runs)) && last-base < int64(limit)*8 {
		return aheadBits + base64.RawStdEncoding.EncodeToString(bitmap(base, open, bits)), 0
	}
	return aheadRuns + base64.RawStdEncoding.EncodeToString(runs), beyond
}

func bitmap(base int64, open []entry, size int) []byte {
	b := make([]byte, size)
	for _, e := range open {
		if e.state >= finished {
			b[(e.offset-base)/8] |= 1 << ((e.offset - base) % 8)
		}
	}
	return b
}

// decodeAhead reads what travels beside a position. What it does not understand it takes for nothing: then some records come again.
func decodeAhead(base int64, text string) []span {
	if len(text) < 2 {
		return nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(text[2:])
	if err != nil {
		return nil
	}
	switch text[:2] {
	case aheadRuns:
		return decodeRuns(base, raw)
	case aheadBits:
		return decodeBits(base, raw)
	default:
		return nil
	}
}

func decodeRuns(at int64, raw []byte) []span {
	const most = 1 << 40 // no gap is as wide; a larger number is not ours
	var spans []span
	for len(raw) > 0 {
		open, n := binary.Uvarint(raw)
		if n <= 0 || open > most {
			return spans
		}
		raw = raw[n:]
		done, n := binary.Uvarint(raw)
		if n <= 0 || done > most {
			return spans
		}
		raw = raw[n:]
		at += int64(open)                                 //nolint:gosec // bounded
		spans = append(spans, span{at, at + int64(done)}) //nolint:gosec // bounded
		at += int64(done)                                 //nolint:gosec // bounded
	}
	return spans
}

func decodeBits(base int64, raw []byte) []span {
	var spans []span
	for i := range int64(len(raw)) * 8 {
		if raw[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		at := base + i
		if n := len(spans); n > 0 && spans[n-1].to == at {
			spans[n-1].to++
			continue
		}
		spans = append(spans, span{at, at + 1})
	}
	return spans
}
