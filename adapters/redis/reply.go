package redis

import (
	"bytes"
	"errors"
	"strconv"
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

// parser reads an answer as it came: the client library would make a value of each field, twice. Once it has met what it can't read, err is set
// and all further values are empty.
type parser struct {
	raw []byte
	at  int
	err error
}

// head reads the beginning of a value of a kind: '*' for a list, '$' for a text. It returns how long the value is, 0 also where there is none.
func (r *parser) head(kind byte) int {
	end := bytes.IndexByte(r.raw[r.at:], '\n')
	if r.err != nil || end < 2 || r.raw[r.at] != kind {
		r.err = errReply
		return 0
	}
	n, err := strconv.Atoi(string(r.raw[r.at+1 : r.at+end-1]))
	r.at += end + 1
	if err != nil || n > len(r.raw)-r.at {
		r.err = errReply
		return 0
	}
	return max(0, n)
}

// span is where a text lies.
type span struct{ from, to int }

func (r *parser) text() span {
	n := r.head('$')
	s := span{r.at, r.at + n}
	if r.err != nil || s.to+2 > len(r.raw) {
		r.err = errReply
		return span{}
	}
	r.at = s.to + 2
	return s
}

func (r *parser) bytes(s span) []byte { return r.raw[s.from:s.to] }

// entry is an entry of a stream, out of its answer: body is set if the last field is the body, which is then not among the fields.
type entry struct {
	id     string
	fields []string
	body   []byte
}

// entry reads one. Its fields use the memory of those of e; its texts and its body are copies, since one message may outlive the others.
func (r *parser) entry(e *entry, spans []span) []span {
	if r.head('*') != 2 {
		r.err = errReply
		return spans
	}
	id := r.text()
	n := r.head('*')
	spans = spans[:0]
	for range n {
		if spans = append(spans, r.text()); r.err != nil {
			return spans
		}
	}
	e.body, e.fields = nil, e.fields[:0]
	rest := spans
	if n >= 2 && string(r.bytes(spans[n-2])) == fieldBody {
		e.body = append([]byte{}, r.bytes(spans[n-1])...)
		rest = spans[:n-2]
	}
	end := id.to
	if len(rest) > 0 {
		end = rest[len(rest)-1].to
	}
	text := string(r.raw[id.from:end])
	e.id = text[:id.to-id.from]
	for _, s := range rest {
		e.fields = append(e.fields, text[s.from-id.from:s.to-id.from])
	}
	return spans
}
