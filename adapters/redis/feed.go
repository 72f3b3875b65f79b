package redis

import (
	"context"
	"net"
	"strconv"
	"time"
)

// feed is a connection on which a reader hears what comes. Answers are read whole, as bytes, into one buffer that is used again: the client
// library would make a value of each field, and another buffer for each answer. It is not safe for concurrent use.
type feed struct {
	conn     net.Conn
	within   time.Duration // a write, or an answer that nothing holds up
	request  []byte
	buf      []byte
	from, to int // what has been read and not returned
	lean     int // how many values in turn have needed little of the buffer
}

// Bounds of a feed's buffer. One larger than feedKept is given up after feedLean values in turn that would have fitted into that: to make room
// for each large one anew costs as much as to read it.
const (
	feedFirst = 16 << 10
	feedKept  = 2 << 20
	feedLean  = 16
	feedAhead = 16 // times what has come: no more is made room for, however much is announced
)

// feed opens a connection to the node of a key, and logs in.
func (c *client) feed(ctx context.Context, cfg Config, key string) (*feed, error) {
	address := cfg.Addresses[0]
	if c.cluster != nil {
		node, err := c.at(ctx, key)
		if err != nil {
			return nil, err
		}
		address = node.Options().Addr
	}
	within, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	conn, err := c.wires.connect(within, "tcp", address)
	if err != nil {
		return nil, err
	}
	f := &feed{conn: conn, within: cfg.Timeout}
	defer context.AfterFunc(ctx, f.close)()
	if err := f.login(cfg); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *feed) login(cfg Config) error {
	if cfg.Password != "" {
		args := []string{"auth", cfg.Username, cfg.Password}
		if cfg.Username == "" {
			args = []string{"auth", cfg.Password}
		}
		if _, err := f.ask(args...); err != nil {
			return err
		}
	}
	if cfg.DB == 0 {
		return nil
	}
	_, err := f.ask("select", strconv.Itoa(cfg.DB))
	return err
}

// close may be called beside anything else, which it ends.
func (f *feed) close() { _ = f.conn.Close() } // nothing is lost with it

// ask sends a command and returns its answer, which stands until the next call.
func (f *feed) ask(args ...string) ([]byte, error) { return f.hear(0, args...) }

// hear is ask for a command that the server may hold up for so long.
func (f *feed) hear(held time.Duration, args ...string) ([]byte, error) {
	if err := f.send(args...); err != nil {
		return nil, err
	}
	return f.answer(held)
}

// answer returns the answer to a command that was sent, which stands until the next call.
func (f *feed) answer(held time.Duration) ([]byte, error) {
	raw, err := f.next(held + f.within)
	if err == nil {
		err = asError(raw)
	}
	return raw, err
}

// send writes a command.
func (f *feed) send(args ...string) error {
	b := appendHead(f.request[:0], '*', len(args))
	for _, a := range args {
		b = appendHead(b, '$', len(a))
		b = append(append(b, a...), '\r', '\n')
	}
	f.request = b
	return f.write(b)
}

// write writes commands.
func (f *feed) write(b []byte) error {
	if err := f.conn.SetWriteDeadline(time.Now().Add(f.within)); err != nil {
		return err
	}
	_, err := f.conn.Write(b)
	return err
}

func appendHead(b []byte, kind byte, n int) []byte {
	b = strconv.AppendInt(append(b, kind), int64(n), 10)
	return append(b, '\r', '\n')
}

// untimed is for next: the connection's own deadline stands.
const untimed = -1

// holds reports whether a value is there already.
func (f *feed) holds() bool {
	whole := extent{at: f.from, missing: 1}
	done, err := whole.reach(f.buf[:f.to])
	return done || err != nil
}

// next waits so long for a value, and returns its bytes, which stand until the next call. After an error but a time-out the feed is of no use
// any more.
func (f *feed) next(within time.Duration) ([]byte, error) {
	if f.from == f.to {
		f.from, f.to = 0, 0
		if len(f.buf) > feedKept && f.lean >= feedLean {
			f.buf = nil
		}
	}
	timed := within == untimed
	whole := extent{at: f.from, missing: 1}
	for {
		done, err := whole.reach(f.buf[:f.to])
		if err != nil {
			return nil, err
		}
		if done {
			raw := f.buf[f.from:whole.at]
			f.from = whole.at
			f.lean++
			if len(raw) > feedKept {
				f.lean = 0
			}
			return raw, nil
		}
		if !timed {
			timed = true
			if err := f.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
				return nil, err
			}
		}
		moved := f.makeRoom(whole.least)
		whole.at, whole.least = whole.at-moved, max(0, whole.least-moved)
		n, err := f.conn.Read(f.buf[f.to:])
		f.to += n
		if err != nil && n == 0 {
			return nil, err
		}
	}
}

// relax gives up a buffer that has become large, where nothing is in it.
func (f *feed) relax() {
	if f.from == f.to && len(f.buf) > feedFirst {
		f.buf = nil
	}
}

// makeRoom makes the buffer have room for more, at once for what reaches to least, and returns by how much what it holds has moved to its front.
func (f *feed) makeRoom(least int) (moved int) {
	if f.to < len(f.buf) {
		return 0
	}
	to := f.buf
	if least -= f.from; least > len(f.buf) || f.from < len(f.buf)/2 || len(f.buf) == 0 {
		to = make([]byte, max(feedFirst, 2*len(f.buf), min(least, feedAhead*len(f.buf))))
	}
	moved = f.from
	copy(to, f.buf[f.from:f.to])
	f.buf, f.from, f.to = to, 0, f.to-f.from
	return moved
}
