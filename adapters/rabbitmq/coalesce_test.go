package rabbitmq_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
)

// counting counts writes.
type counting struct {
	net.Conn
	mu     sync.Mutex
	writes int
}

func (c *counting) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func TestWritesThatMeetAreOneWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		count := &counting{Conn: near}
		c := rabbitmq.NewCoalescer(count, time.Minute)
		var want []byte
		for i := range 100 { // the first goes out at once and waits for the reader, the others gather behind it
			piece := bytes.Repeat([]byte{byte(i)}, i)
			want = append(want, piece...)
			if _, err := c.Write(piece); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("what arrived is not what was written: %v", err)
		}
		synctest.Wait()
		if count.writes != 2 {
			t.Errorf("100 writes became %d, want 2", count.writes)
		}
		_ = c.Close()
		_ = far.Close()
	})
}

func TestAFullCoalescerWaitsAndCloseFreesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := rabbitmq.NewCoalescer(near, time.Minute)
		done := make(chan error, 1)
		go func() {
			for {
				if _, err := c.Write(make([]byte, 300_000)); err != nil {
					done <- err
					return
				}
			}
		}()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("writing did not wait for room: %v", err)
		default:
		}
		_ = c.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write beside Close: %v, want net.ErrClosed", err)
		}
		_ = far.Close()
	})
}

func TestAPeerThatTakesNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := rabbitmq.NewCoalescer(near, time.Minute)
		began := time.Now()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil { // the reader must learn of it
			t.Error("the connection lives on")
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("given up after %v, want a minute", took)
		}
		if _, err := c.Write([]byte("y")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a later write: %v, want the error of the first", err)
		}
		_ = c.Close()
		_ = far.Close()
	})
}

func TestABrokerThatBlocksIsNotGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := rabbitmq.NewCoalescer(near, time.Minute)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.SetBlocked(true)
		timer := time.NewTimer(time.Hour)
		<-timer.C
		if _, err := c.Write([]byte("y")); err != nil {
			t.Errorf("a write after an hour of blocking: %v", err)
		}
		c.SetBlocked(false)
		if n, err := io.ReadFull(far, make([]byte, 2)); n != 2 {
			t.Errorf("%d of 2 bytes arrived: %v", n, err)
		}
		_ = c.Close()
		_ = far.Close()
	})
}

// What is written beside amqp091 stands between its frames, wherever it breaks its writes.
func TestFramesStandBetweenFrames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := rabbitmq.NewCoalescer(near, time.Minute)
		frame := rabbitmq.Method(1, 20<<16|10, 0)
		theirs := append([]byte("AMQP\x00\x00\x09\x01"), frame...)
		for i := range theirs {
			if i == len(theirs)-3 {
				go func() { _ = c.WriteFrames([]byte("ours")) }()
			}
			if _, err := c.Write(theirs[i : i+1]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		got := make([]byte, len(theirs)+4)
		if _, err := io.ReadFull(far, got); err != nil || string(got) != string(theirs)+"ours" {
			t.Errorf("written is %q: %v", got, err)
		}
		_ = c.Close()
		_ = far.Close()
	})
}
