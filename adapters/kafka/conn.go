package kafka

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// readBuffer is large, since the default of 4 KiB costs a system call for each 4 KiB of what is fetched.
const readBuffer = 64 << 10

// largestAnswer guards against a stream that is not Kafka's.
const largestAnswer = 256 << 20

// writePiece is how much of a request must be taken within the limit of an answer: a batch of 1 MiB is more than a slow link takes in that time.
const writePiece = 256 << 10

var errProtocol = errors.New("not a Kafka broker's answer")

// conn is one connection. Requests are answered in the order in which they were written; one goroutine reads, so that a cut shows at once.
// It is safe for concurrent use.
type conn struct {
	nc       net.Conn
	broker   int32
	client   string
	limit    time.Duration // how long the broker may be silent while an answer is due
	began    time.Time
	versions map[protocol.ApiKey]versionRange

	writing sync.Mutex // held while a request is written: answers are read meanwhile, without which the peer might not read on
	out     bytes.Buffer
	serial  int32

	mu      sync.Mutex // guards what follows
	waiting []*exchange
	err     error

	heard atomic.Int64       // when bytes came last, in nanoseconds since it began
	done  chan struct{}      // closed when the reader has ended
	head  [8]byte            // of an answer; the reader's
	cut   error              // what ended the stream; the reader's
	ended func(*conn, error) // told when the connection ends by itself; must not block
	stage atomic.Int32
}

// The stages of a connection.
const (
	stageNew     int32 = iota // not ready for requests yet
	stageGreeted              // ready
	stageServed               // a request was answered
)

type versionRange struct{ least, most int16 }

// exchange is one request that waits for its answer. read consumes exactly size bytes, from the reader's goroutine.
type exchange struct {
	serial   int32
	read     func(r *bufio.Reader, size int) error
	finished chan error // of capacity 1, so that an exchange nobody waits for any more holds nobody up
	timer    *time.Timer
}

func newConn(nc net.Conn, broker int32, client string, limit time.Duration, ended func(*conn, error)) *conn {
	c := &conn{nc: nc, broker: broker, client: client, limit: limit, began: time.Now(), ended: ended, done: make(chan struct{})}
	go c.readAll()
	return c
}

// close ends the connection and waits for its reader.
func (c *conn) close() {
	c.fail(errStale)
	<-c.done
}

// dead reports whether the connection has ended.
func (c *conn) dead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

// fail ends the connection; the first reason stays. It reports whether this was the first.
func (c *conn) fail(err error) bool {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
	}
	waiting := c.waiting
	c.waiting = nil
	err = c.err
	c.mu.Unlock()
	_ = c.nc.Close()
	for _, x := range waiting {
		x.finished <- err
	}
	return first
}

// broke ends the connection for a reason that lies beyond this driver.
func (c *conn) broke(err error) {
	if c.fail(err) {
		c.ended(c, err)
	}
}

func (c *conn) readAll() {
	defer close(c.done)
	r := bufio.NewReaderSize(ear{c}, readBuffer)
	for {
		if err := c.readOne(r); err != nil {
			c.broke(err)
			return
		}
	}
}

// ear reads what comes over a connection, and notes when.
type ear struct{ *conn }

func (e ear) Read(b []byte) (int, error) {
	n, err := e.nc.Read(b)
	e.heard.Store(int64(time.Since(e.began)))
	if err != nil {
		e.cut = err
	}
	return n, err
}

// silence is for how long nothing has come.
func (c *conn) silence() time.Duration { return time.Since(c.began) - time.Duration(c.heard.Load()) }

func (c *conn) readOne(r *bufio.Reader) error {
	head := c.head[:]
	if _, err := io.ReadFull(r, head); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	size, serial := int(int32(binary.BigEndian.Uint32(head))), int32(binary.BigEndian.Uint32(head[4:])) //nolint:gosec // the wire's signs
	if size < 4 || size > largestAnswer {
		return fmt.Errorf("%w: its size is %d", errProtocol, size)
	}
	c.mu.Lock()
	var x *exchange
	if len(c.waiting) > 0 {
		x = c.waiting[0]
		c.waiting = slices.Delete(c.waiting, 0, 1)
	}
	c.mu.Unlock()
	if x == nil || x.serial != serial {
		return fmt.Errorf("%w: it answers no request", errProtocol)
	}
	err := c.reason(x.read(r, size-4))
	if err == nil {
		c.stage.CompareAndSwap(stageGreeted, stageServed)
	}
	x.finished <- err
	return err
}

// reason is why an answer could not be read: one that is cut off is no broken one, and is worth another try.
func (c *conn) reason(err error) error {
	if err == nil || c.cut == nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err // this end has cut it
	}
	return fmt.Errorf("read: %w", c.cut)
}

// send writes one request frame, of which write adds what follows the client's name.
func (c *conn) send(x *exchange, write func(out *bytes.Buffer, serial int32) error) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	x.serial = c.serial + 1
	c.out.Reset()
	if err := write(&c.out, x.serial); err != nil {
		return err
	}
	if err := c.await(x); err != nil {
		return err
	}
	c.serial++
	err := c.write(c.out.Bytes())
	if c.out.Cap() > 4<<20 && c.out.Len() < c.out.Cap()/4 {
		c.out = bytes.Buffer{} // large requests are not remembered once they are smaller again
	}
	if err != nil {
		c.broke(fmt.Errorf("write: %w", err))
	}
	return nil // the reader, or fail, finishes the exchange
}

// write writes a request, of which each piece has the limit for itself.
func (c *conn) write(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), writePiece)
		if err := c.nc.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
			return err
		}
		if _, err := c.nc.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// await notes that an answer is to come, unless the connection has ended.
func (c *conn) await(x *exchange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.waiting = append(c.waiting, x)
	}
	return c.err
}

// wait waits for the answer. When ctx ends first the answer is read and thrown away later; when nothing comes for too long the connection is
// dead. An answer that comes slowly may take its time: a fetch of some MiB, thrown away for that, would only be asked for again. Answers come
// in order, so whatever comes brings this one nearer.
func (c *conn) wait(ctx context.Context, x *exchange, limit time.Duration) error {
	if x.timer == nil {
		x.timer = time.NewTimer(limit)
	} else {
		x.timer.Reset(limit)
	}
	defer x.timer.Stop()
	for {
		select {
		case err := <-x.finished:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-x.timer.C:
		}
		left := min(limit, c.limit) - c.silence()
		if left <= 0 {
			c.broke(errNoAnswer)
			return <-x.finished
		}
		x.timer.Reset(left)
	}
}

// call sends a message of the client library and waits for its answer.
func (c *conn) call(ctx context.Context, msg protocol.Message) (protocol.Message, error) {
	return c.callFor(ctx, msg, c.limit)
}

// callFor is call for requests that the broker answers later than others.
func (c *conn) callFor(ctx context.Context, msg protocol.Message, limit time.Duration) (protocol.Message, error) {
	key := msg.ApiKey()
	version, err := c.version(key)
	if err != nil {
		return nil, err
	}
	var answer protocol.Message
	x := &exchange{finished: make(chan error, 1)}
	x.read = func(r *bufio.Reader, size int) (err error) {
		answer, err = decodeAnswer(r, size, key, version)
		return err
	}
	err = c.send(x, func(out *bytes.Buffer, serial int32) error {
		return encodeRequest(out, version, serial, c.client, msg)
	})
	if err != nil {
		return nil, err
	}
	if err := c.wait(ctx, x, limit); err != nil {
		return nil, err
	}
	return answer, nil
}

// raw sends a request whose body is encoded already. Of an answer to a flexible version read begins with the tagged fields of its head.
func (c *conn) raw(ctx context.Context, key protocol.ApiKey, version int16, body []byte, limit time.Duration,
	read func(r *bufio.Reader, size int) error,
) error {
	x := &exchange{finished: make(chan error, 1), read: read}
	err := c.send(x, func(out *bytes.Buffer, serial int32) error {
		tags := 0
		if flexible(key, version) {
			tags = 1
		}
		frame := make([]byte, 0, 15+len(c.client))
		frame = binary.BigEndian.AppendUint32(frame, uint32(10+len(c.client)+tags+len(body))) //nolint:gosec // far below the limit
		frame = binary.BigEndian.AppendUint16(frame, uint16(key))                             //nolint:gosec // a small number
		frame = binary.BigEndian.AppendUint16(frame, uint16(version))                         //nolint:gosec // a small number
		frame = binary.BigEndian.AppendUint32(frame, uint32(serial))                          //nolint:gosec // bits as they are
		frame = appendString(frame, c.client)
		if tags > 0 {
			frame = append(frame, noTags)
		}
		_, _ = out.Write(frame)
		_, _ = out.Write(body)
		return nil
	})
	if err != nil {
		return err
	}
	return c.wait(ctx, x, limit)
}

// encodeRequest guards against a library that panics on what it can't encode.
func encodeRequest(out *bytes.Buffer, version int16, serial int32, client string, msg protocol.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: encoding %s: %v", errProtocol, msg.ApiKey(), p)
		}
	}()
	return protocol.WriteRequest(out, version, serial, client, msg)
}

// decodeAnswer reads an answer of size bytes, of which the serial number is read already.
func decodeAnswer(r *bufio.Reader, size int, key protocol.ApiKey, version int16) (msg protocol.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: decoding %s: %v", errProtocol, key, p)
		}
	}()
	var head [8]byte
	binary.BigEndian.PutUint32(head[:], uint32(size+4)) //nolint:gosec // checked by the reader
	whole := io.MultiReader(bytes.NewReader(head[:]), io.LimitReader(r, int64(size)))
	_, msg, err = protocol.ReadResponse(whole, key, version)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errProtocol, key, err)
	}
	return msg, nil
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s))) //nolint:gosec // names are short
	return append(b, s...)
}
