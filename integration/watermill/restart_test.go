package watermill_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/brokers"
)

// restartArgument makes this test's program the command that the suite restarts the broker by.
const restartArgument = "restart-the-broker-of"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == restartArgument {
		if err := askRestart(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	// Most tests of the suite wait most of the time: more of them run side by side than there are processors.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// askRestart is that command: it asks the test that listens there, and waits.
func askRestart(address string) error {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answer, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	if string(answer) != "restarted" {
		return fmt.Errorf("restart: %s", answer)
	}
	return nil
}

// restartCommand returns a command that restarts b, for Features.RestartServiceCommand.
func restartCommand(t *testing.T, b *brokers.Broker) []string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	var serving sync.WaitGroup
	serving.Add(1)
	go func() {
		defer serving.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serveRestart(ctx, conn, b)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return []string{os.Args[0], restartArgument, l.Addr().String()}
}

func serveRestart(ctx context.Context, conn net.Conn, b *brokers.Broker) {
	defer func() { _ = conn.Close() }()
	began, answer := time.Now(), "restarted"
	if err := b.Restart(ctx); err != nil {
		answer = err.Error()
	}
	fmt.Printf("broker %s after %v\n", answer, time.Since(began).Round(time.Millisecond))
	_, _ = io.WriteString(conn, answer) // whoever asks notices that nothing comes
}
