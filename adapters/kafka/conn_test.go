package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
)

const slowLimit = 10 * time.Second

// overPipe runs a connection inside a bubble, of which play is the broker's end.
func overPipe(t *testing.T, play, run func(t *testing.T, c *conn, far net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := newConn(near, 1, "herald", slowLimit, func(*conn, error) {})
		c.versions = map[protocol.ApiKey]versionRange{protocol.Fetch: {0, fetchVersion}, protocol.FindCoordinator: {0, 2}}
		over := make(chan struct{})
		go func() {
			defer close(over)
			play(t, c, far)
		}()
		run(t, c, far)
		c.close()
		<-over
	})
}

// readFrame takes a request off the wire.
func readFrame(t *testing.T, far net.Conn) []byte {
	var size [4]byte
	if _, err := io.ReadFull(far, size[:]); err != nil {
		t.Error(err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(far, frame); err != nil {
		t.Error(err)
	}
	return frame
}

// fetchedAs is the answer to a fetch of one partition.
func fetchedAs(serial, data []byte) []byte {
	b := append(append(make([]byte, 4), serial...), make([]byte, 4+2+4)...) // not throttled, no error, no session
	b = appendString(binary.BigEndian.AppendUint32(b, 1), fakeTopic)
	b = append(binary.BigEndian.AppendUint32(b, 1), make([]byte, 4+2+8+8+8+4)...) // partition 0, which has nothing aborted
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(data))), data...)
	return finishAnswer(b)
}

func TestConn_AnAnswerMayTakeLongerThanTheLimitWhileItComes(t *testing.T) {
	t.Parallel()
	const pause, piece = slowLimit - time.Second, 16 << 10
	data := bytes.Repeat([]byte("0123456789abcdef"), feedBytes/16)
	var took time.Duration
	overPipe(t, func(t *testing.T, _ *conn, far net.Conn) {
		answer := fetchedAs(readFrame(t, far)[4:8], data)
		for len(answer) > 0 {
			n := min(piece, len(answer))
			if _, err := far.Write(answer[:n]); err != nil {
				t.Error(err)
				return
			}
			answer = answer[n:]
			<-time.After(pause)
		}
	}, func(t *testing.T, c *conn, _ net.Conn) {
		began := time.Now()
		all, err := c.fetch(t.Context(), []want{{topic: fakeTopic, bytes: feedBytes}}, fetchWait, answerBytes)
		if err != nil || len(all) != 1 || !bytes.Equal(all[0].data, data) {
			t.Errorf("%d answers, %v", len(all), err)
		}
		took = time.Since(began)
	})
	if took < 10*slowLimit {
		t.Errorf("the answer took %v, which is no test of a limit of %v", took, slowLimit)
	}
}

func TestConn_IsDeadOnceAnAnswerStopsComing(t *testing.T) {
	t.Parallel()
	var stopped atomic.Int64
	overPipe(t, func(t *testing.T, _ *conn, far net.Conn) {
		answer := fetchedAs(readFrame(t, far)[4:8], make([]byte, 1000))
		for _, b := range [][]byte{answer[:6], answer[6:500]} {
			<-time.After(slowLimit - time.Second)
			if _, err := far.Write(b); err != nil {
				t.Error(err)
			}
		}
		stopped.Store(time.Now().UnixNano())
	}, func(t *testing.T, c *conn, _ net.Conn) {
		_, err := c.fetch(t.Context(), []want{{topic: fakeTopic, bytes: feedBytes}}, fetchWait, answerBytes)
		if after := time.Since(time.Unix(0, stopped.Load())); !errors.Is(err, errNoAnswer) || after != slowLimit || !c.dead() {
			t.Errorf("%v, %v after the last bytes, want that no answer came for %v", err, after, slowLimit)
		}
	})
}

func TestConn_ARequestMayTakeLongerThanTheLimitWhileItIsTaken(t *testing.T) {
	t.Parallel()
	body := make([]byte, 2<<20)
	overPipe(t, func(t *testing.T, _ *conn, far net.Conn) {
		n, buf := 0, make([]byte, writePiece/4)
		for n < len(body) {
			<-time.After(slowLimit / 5)
			got, err := io.ReadFull(far, buf)
			if n += got; err != nil && n < len(body) {
				t.Errorf("after %d bytes: %v", n, err)
				return
			}
		}
		_ = far.Close()
	}, func(t *testing.T, c *conn, _ net.Conn) {
		began := time.Now()
		x := &exchange{finished: make(chan error, 1)}
		err := c.send(x, func(out *bytes.Buffer, _ int32) error {
			_, err := out.Write(body)
			return err
		})
		if took := time.Since(began); err != nil || took < 5*slowLimit {
			t.Errorf("%v after %v", err, took)
		}
		if err := c.wait(context.WithoutCancel(t.Context()), x, slowLimit); !errors.Is(err, io.EOF) {
			t.Errorf("the request ended with %v, want that the broker hung up when it had it all", err)
		}
	})
}

// A connection that breaks within an answer says nothing about the broker: what was asked is asked again.
func TestConn_AnAnswerThatIsCutOffIsNoBrokenOne(t *testing.T) {
	t.Parallel()
	ask := map[string]func(ctx context.Context, c *conn) error{
		"read here": func(ctx context.Context, c *conn) error {
			_, err := c.fetch(ctx, []want{{topic: fakeTopic, bytes: feedBytes}}, fetchWait, answerBytes)
			return err
		},
		"read by the client library": func(ctx context.Context, c *conn) error {
			_, err := c.call(ctx, &findcoordinator.Request{Key: "billing"})
			return err
		},
	}
	for name, ask := range ask {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overPipe(t, func(t *testing.T, _ *conn, far net.Conn) {
				answer := fetchedAs(readFrame(t, far)[4:8], make([]byte, 1000))
				if _, err := far.Write(answer[:14]); err != nil {
					t.Error(err)
				}
				_ = far.Close()
			}, func(t *testing.T, c *conn, _ net.Conn) {
				if err := ask(t.Context(), c); !errors.Is(err, io.EOF) || permanent(err) {
					t.Errorf("cut off: %v, which is final: %v", err, permanent(err))
				}
			})
		})
	}
}
