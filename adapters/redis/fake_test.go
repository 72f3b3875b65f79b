package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/pkg/driver"
)

// fake is a server that answers what a driver asks at open, and the rest by its test.
type fake struct {
	answer  func(args []string) string // RESP; "" cuts the connection
	version string                     // 8.0.2 if empty
	asked   func(c net.Conn)           // set: called before answer
	tcp     bool                       // whose connections the kernel knows

	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

var errAway = errors.New("the fake is away")

// dial is for Config.Dial.
func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errAway
	}
	near, far := net.Pipe()
	if f.tcp {
		var err error
		if near, far, err = tcpPipe(ctx); err != nil {
			return nil, err
		}
	}
	f.conns = append(f.conns, far)
	go f.serve(far)
	return near, nil
}

func tcpPipe(ctx context.Context) (near, far net.Conn, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	far, err = l.Accept()
	return near, far, err
}

// leave takes the server away, or brings it back.
func (f *fake) leave(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
	if !away {
		return
	}
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

func (f *fake) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 1<<20)
	for {
		args, err := readCommand(r)
		if err != nil {
			return
		}
		reply := f.reply(c, args)
		if reply == "" {
			return
		}
		if _, err := io.WriteString(c, reply); err != nil {
			return
		}
	}
}

func (f *fake) reply(c net.Conn, args []string) string {
	verb := strings.ToLower(args[0])
	switch verb {
	case "hello":
		if len(args) > 1 {
			return "-ERR unknown command\r\n"
		}
		return "*2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
	case "info":
		version := "8.0.2"
		if f.version != "" {
			version = f.version
		}
		return bulk("redis_version:" + version + "\r\nmaxmemory_policy:noeviction\r\n")
	case "config":
		return "*0\r\n"
	case "client", "select":
		return "+OK\r\n"
	case "ping":
		return "+PONG\r\n"
	case "xread":
		_, _ = c.Read(make([]byte, 1)) // until the connection ends
		return ""
	default:
		if f.asked != nil {
			f.asked(c)
		}
		return f.answer(args)
	}
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readCount(r)
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		size, err := readCount(r)
		if err != nil {
			return nil, err
		}
		raw := make([]byte, size+2)
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, err
		}
		args[i] = string(raw[:size])
	}
	return args, nil
}

func readCount(r *bufio.Reader) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// withGroup answers as a server whose topics have a group, and leaves XADD to one.
func withGroup(xadd func(args []string) string) func(args []string) string {
	return func(args []string) string {
		switch strings.ToLower(args[0]) {
		case "hmget":
			return "*4\r\n$1\r\n0\r\n$-1\r\n$-1\r\n$-1\r\n"
		case "xinfo":
			return "*1\r\n*4\r\n$4\r\nname\r\n$1\r\ng\r\n$7\r\npending\r\n:0\r\n"
		case "xadd":
			return xadd(args)
		default:
			return "-ERR unknown command\r\n"
		}
	}
}

// connect opens a driver to a fake, whose answers may take as long as a busy machine lets them.
func connect(t *testing.T, f *fake, change func(c *redis.Config)) *redis.Driver {
	t.Helper()
	cfg := redis.Config{Dial: f.dial, Timeout: time.Minute}
	if change != nil {
		change(&cfg)
	}
	d, err := redis.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close(context.Background()) })
	return d
}

// outcome is what became of one message.
type outcome struct {
	i    int
	fate driver.Fate
	err  error
}

type outcomes chan outcome

func (o outcomes) Done(i int, fate driver.Fate, err error) { o <- outcome{i, fate, err} }

// publish sends messages and waits for their fates.
func publish(t *testing.T, d *redis.Driver, to driver.Address, msgs ...*driver.Message) []outcome {
	t.Helper()
	o := make(outcomes, len(msgs)) // room for all: Done must not block
	d.Publisher().Send(t.Context(), to, msgs, o)
	all := make([]outcome, len(msgs))
	for range msgs {
		one := <-o
		all[one.i] = one
	}
	return all
}
