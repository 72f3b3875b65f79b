package rabbitmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// feed writes what a broker sends, in pieces of n bytes, and returns all that amqp091 gets to read, in buffers of n bytes.
func feed(t *testing.T, split *rabbitmq.Split, far net.Conn, stream []byte, n int) []byte {
	t.Helper()
	go func() {
		for piece := range slices.Chunk(stream, n) {
			if _, err := far.Write(piece); err != nil {
				return
			}
		}
		_ = far.Close()
	}()
	var got []byte
	buf := make([]byte, n)
	for {
		read, err := split.Read(buf)
		got = append(got, buf[:read]...)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// However the network cuts the stream, deliveries and answers are taken out whole, and everything else passes as it is.
func TestTheSplitterTakesOutWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	long := &driver.Message{ID: "2", Type: "t", Key: "k", Slot: 9, Body: bytes.Repeat([]byte("long"), 100), Headers: []driver.Header{{Key: "a", Value: "b"}}}
	short := &driver.Message{ID: "1", Time: written}
	open := rabbitmq.Method(1, 20<<16|11, 0, 0, 0, 0)
	theirs := rabbitmq.Deliver(1, "theirs", 1, "orders", "k", long)
	closing := rabbitmq.Method(3, rabbitmq.MethodClose, 1, 48, 0, 0, 0, 0, 0)
	stranger := rabbitmq.Method(5, rabbitmq.MethodAck, 0, 0, 0, 0, 0, 0, 0, 1, 0)
	confirming := rabbitmq.Method(3, rabbitmq.MethodConfirming)
	stream := slices.Concat(
		open, rabbitmq.Deliver(1, "ours", 5, "orders", "k", short), theirs, rabbitmq.Deliver(2, "ours", 6, "", "queue", long), stranger, confirming,
		rabbitmq.Return(3, "orders", "k", long), rabbitmq.Method(3, rabbitmq.MethodAck, 0, 0, 0, 0, 0, 0, 0, 7, 1), stranger,
		rabbitmq.Method(3, rabbitmq.MethodNack, 0, 0, 0, 0, 0, 0, 0, 8, 0), closing, rabbitmq.Deliver(1, "ours", 7, "orders", "typed", short),
	)
	want := slices.Concat(open, theirs, stranger, confirming, stranger, closing)
	for _, n := range []int{1, 2, 3, 7, 64, 1 << 20} {
		near, far := net.Pipe()
		split := rabbitmq.NewSplit(near, "typed")
		if got := feed(t, split, far, stream, n); !bytes.Equal(got, want) {
			t.Errorf("in pieces of %d: what passes is\n%q, want\n%q", n, got, want)
		}
		var messages []string
		for _, m := range split.Messages() {
			messages = append(messages, fmt.Sprintf("%d %s %s %v %s %d %v", m.Seq, m.ID, m.Type, m.Inbox, m.Key, len(m.Body), m.Headers))
		}
		wantMessages := []string{"5 1  false  0 []", "6 2 t true k 400 [{a b}]", "7 1 typed false  0 []"}
		if !slices.Equal(messages, wantMessages) {
			t.Errorf("in pieces of %d: messages are\n%q, want\n%q", n, messages, wantMessages)
		}
		told, closed := split.Answers()
		wantTold := []string{"back orders k 2 " + strings.Repeat("long", 100), "7 multiple true nack false", "8 multiple false nack true"}
		if !slices.Equal(told, wantTold) || !closed {
			t.Errorf("in pieces of %d: answers are\n%q (closed %v), want\n%q", n, told, closed, wantTold)
		}
	}
}

// A consumer that is given up gets nothing any more: amqp091 drops what comes for it.
func TestADroppedConsumerIsPassedOn(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	split := rabbitmq.NewSplit(near)
	split.Drop()
	delivery := rabbitmq.Deliver(1, "ours", 1, "", "", &driver.Message{Body: []byte("x")})
	if got := feed(t, split, far, delivery, 10); !bytes.Equal(got, delivery) || len(split.Messages()) != 0 {
		t.Errorf("%d of %d bytes pass, and %d messages are taken", len(got), len(delivery), len(split.Messages()))
	}
}

// amqp091 gives a connection up from which it hears nothing. While everything is taken out, it is told that the broker lives.
func TestTheSplitterFeedsWhoHearsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		split := rabbitmq.NewSplit(near)
		heard := make(chan []byte, 100)
		go func() {
			defer close(heard)
			buf := make([]byte, 4096)
			for {
				n, err := split.Read(buf)
				if err != nil {
					return
				}
				heard <- bytes.Clone(buf[:n])
			}
		}()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := range 21 {
			<-tick.C
			_, _ = far.Write(rabbitmq.Deliver(1, "ours", uint64(i), "", "", &driver.Message{}))
		}
		synctest.Wait()
		timer := time.NewTimer(time.Minute) // silence is not made up for
		<-timer.C
		_ = far.Close()
		beats := 0
		for got := range heard {
			if beats++; !bytes.Equal(got, []byte{8, 0, 0, 0, 0, 0, 0, 0xCE}) {
				t.Errorf("amqp091 reads %q, want a heartbeat", got)
			}
		}
		if beats < 5 || beats > 8 {
			t.Errorf("%d heartbeats in 2.1 s, want one each 0.25 to 0.4 s", beats)
		}
		_ = split.Close()
	})
}

// A frame that breaks off what it should hold ends the connection; it neither waits nor panics.
func TestBrokenFramesEndTheConnection(t *testing.T) {
	t.Parallel()
	whole := rabbitmq.Deliver(1, "ours", 1, "orders", "k", &driver.Message{ID: "1", Body: []byte("body")})
	for name, stream := range map[string][]byte{
		"a delivery without its end": rabbitmq.Method(1, 60<<16|60, 4, 'o', 'u', 'r', 's', 0),
		"a body without a header":    slices.Concat(whole[:slices.Index(whole, 0xCE)+1], []byte{3, 0, 1, 0, 0, 0, 1, 'x', 0xCE}),
		"a body too long":            slices.Concat(whole[:len(whole)-12], []byte{3, 0, 1, 0, 0, 0, 5, 'l', 'o', 'n', 'g', '!', 0xCE}),
		"a header cut short":         slices.Concat(whole[:slices.Index(whole, 0xCE)+1], []byte{2, 0, 1, 0, 0, 0, 3, 0, 60, 0, 0xCE}),
	} {
		near, far := net.Pipe()
		split := rabbitmq.NewSplit(near)
		go func() {
			_, _ = far.Write(stream)
		}()
		if n, err := split.Read(make([]byte, 4096)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: read %d bytes, %v, want an error", name, n, err)
		}
		_, _ = near.Close(), far.Close()
	}
}

// What is written in frames is read again, whatever is in it.
func TestFramesAreReadAgain(t *testing.T) {
	t.Parallel()
	for i, m := range messages() {
		near, far := net.Pipe()
		split := rabbitmq.NewSplit(near)
		if passed := feed(t, split, far, rabbitmq.Deliver(1, "ours", 1, "orders", "", m), 50); len(passed) != 0 {
			t.Errorf("message %d: %q passes", i, passed)
		}
		got := split.Messages()[0]
		want := driver.Message{
			ID: m.ID, Type: m.Type, Key: m.Key, ContentType: m.ContentType, Slot: m.Slot, Headers: m.Headers, Body: m.Body, Deliveries: 1, Seq: 1, Exclusive: true,
		}
		if !got.Time.Equal(m.Time) || !got.NotBefore.Equal(m.NotBefore) {
			t.Errorf("message %d is of %v for %v, want %v and %v", i, got.Time, got.NotBefore, m.Time, m.NotBefore)
		}
		got.Source, got.Ref, got.Time, got.NotBefore = nil, nil, time.Time{}, time.Time{}
		if !reflect.DeepEqual(got, &want) {
			t.Errorf("message %d is\n%+v, want\n%+v", i, got, &want)
		}
	}
}

// A large body is not copied from one piece of memory to the next again and again, nor is memory taken for what has not come.
func TestALargeBodyTakesLittleMoreThanItsSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 512, 128 << 10, 1 << 20, 16 << 20} {
		body := bytes.Repeat([]byte("b"), size)
		got, allocated := rabbitmq.ReadBody(body, 128<<10-8)
		if !bytes.Equal(got, body) {
			t.Errorf("a body of %d bytes is read as one of %d", size, len(got))
		}
		if allocated > size+size/4 {
			t.Errorf("%d bytes are allocated for %d", allocated, size)
		}
	}
}
