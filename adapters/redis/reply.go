package redis

import (
	"errors"
	"math"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

var errReply = errors.New("an answer that can't be read")

// replyError is what the server answered in the place of entries.
type replyError string

var _ goredis.Error = replyError("")

func (e replyError) Error() string { return string(e) }

// RedisError implements goredis.Error.
func (replyError) RedisError() {}

// asError returns the error that an answer is, if it is one.
func asError(raw []byte) error {
	if len(raw) == 0 || raw[0] != '-' {
		return nil
	}
	return replyError(strings.TrimRight(string(raw[1:]), "\r\n"))
}

// length reads the head of a value from its first byte on: its kind, then a number. It returns the number and where what follows begins; next
// is 0 where the head is not whole yet. Of a line that is no number, such as a status, the number is 0.
func length(raw []byte, at int) (n, next int, err error) {
	end := at + 1
	negative, is := false, true
	for ; end < len(raw) && raw[end] != '\r'; end++ {
		switch c := raw[end]; {
		case c == '-' && end == at+1:
			negative = true
		case c < '0' || c > '9' || n > math.MaxInt32/10:
			is = false
		default:
			n = 10*n + int(c-'0')
		}
	}
	if end+1 >= len(raw) {
		return 0, 0, nil
	}
	counts := raw[at] == '*' || raw[at] == '$'
	if raw[end+1] != '\n' || counts && (!is || end == at+1) {
		return 0, 0, errReply
	}
	switch {
	case !is:
		n = 0
	case negative:
		n = -1
	}
	return n, end + 2, nil
}

// extent finds where a value ends while its bytes come in.
type extent struct {
	at      int // all before belongs to the value
	missing int // so many values of it are missing from there on
	least   int // the value reaches at least so far, by what has been read
}

// reach looks as far as it can, and reports whether the value is whole.
func (x *extent) reach(raw []byte) (done bool, err error) {
	for x.missing > 0 && x.at < len(raw) {
		n, next, err := length(raw, x.at)
		if err != nil {
			return false, err
		}
		if next == 0 {
			return false, nil
		}
		more := 0
		switch raw[x.at] {
		case '*':
			more = max(0, n)
		case '$':
			if n >= 0 {
				next += n + 2
			}
		case '+', '-', ':':
		default:
			return false, errReply
		}
		if next > len(raw) {
			x.least = next
			return false, nil // its head will be read once more
		}
		x.at = next
		x.missing += more - 1
	}
	return x.missing == 0, nil
}

// parser reads an answer as it came. Once it has met what it can't read, err is set and all further values are empty.
type parser struct {
	raw []byte
	at  int
	err error
}

// head reads the beginning of a value of a kind: '*' for a list, '$' for a text. It returns how long the value is, -1 where there is none.
func (r *parser) head(kind byte) int {
	if r.err != nil || r.at >= len(r.raw) || r.raw[r.at] != kind {
		r.err = errReply
		return 0
	}
	n, next, err := length(r.raw, r.at)
	if err != nil || next == 0 || n > len(r.raw)-next {
		r.err = errReply
		return 0
	}
	r.at = next
	return n
}

// list reads the beginning of a list, and returns how many values it has.
func (r *parser) list() int { return max(0, r.head('*')) }

// span is where a text lies.
type span struct{ from, to int }

func (s span) size() int { return s.to - s.from }

func (r *parser) text() span {
	n := r.head('$')
	if n < 0 {
		return span{r.at, r.at}
	}
	s := span{r.at, r.at + n}
	if r.err != nil || s.to+2 > len(r.raw) {
		r.err = errReply
		return span{}
	}
	r.at = s.to + 2
	return s
}

func (r *parser) bytes(s span) []byte { return r.raw[s.from:s.to] }

// entry is an entry of a stream as it lies in its answer.
type entry struct {
	id     span
	fields []span // names and values
	body   span   // of the last field, if that is the body, which is then not among the fields
	whole  bool   // it is
}

// entry reads one. Its fields use the memory of those of e.
func (r *parser) entry(e *entry) {
	if r.list() != 2 {
		r.err = errReply
		return
	}
	e.id = r.text()
	n := r.list()
	e.fields, e.whole = e.fields[:0], false
	for range n {
		if e.fields = append(e.fields, r.text()); r.err != nil {
			return
		}
	}
	if e.whole = n >= 2 && string(r.bytes(e.fields[n-2])) == fieldBody; e.whole {
		e.body = e.fields[n-1]
		e.fields = e.fields[:n-2]
	}
}

// size returns how many bytes a message of the entry needs for texts and for its body.
func (e *entry) size() (texts, body int) {
	texts = e.id.size()
	for j := 1; j < len(e.fields); j += 2 {
		texts += e.fields[j].size()
	}
	if e.whole {
		body = e.body.size()
	}
	return texts, body
}
