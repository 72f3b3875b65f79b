package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
)

const patience = 60 * time.Second

// redis starts one from an origin. Where it can't be had the test says so.
func redis(t *testing.T, origin string, settings ...source.Setting) (source.Machine, source.Broker) {
	t.Helper()
	m, b, err := source.NewFinder(t.TempDir(), io.Discard).Start(t.Context(), source.Order{Kind: source.Redis, Origin: origin, Settings: settings})
	t.Attr("broker", "redis")
	if errors.Is(err, source.ErrAbsent) {
		t.Attr("why", source.Why(err))
		t.Skipf("no redis: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Attr("version", b.Version)
	t.Attr("origin", b.Origin)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := m.Remove(ctx); err != nil {
			t.Errorf("remove: %v", err)
		}
		if m.Running(ctx) {
			t.Error("it runs after Remove")
		}
	})
	return m, b
}

// ping asks over the network and returns the answer.
func ping(t *testing.T, b source.Broker, within time.Duration) (string, error) {
	t.Helper()
	dialer := net.Dialer{Timeout: within}
	conn, err := dialer.DialContext(t.Context(), "tcp", b.Addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return "", err
	}
	answer := make([]byte, len("+PONG"))
	_, err = io.ReadFull(conn, answer)
	return string(answer), err
}

func TestMachine_SurvivesItsFaultsFromEachSource(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{source.Docker, source.Local} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			m, b := redis(t, origin, source.Setting{Key: "maxmemory", Value: "123mb"})
			redisCLI(t, m, "OK", "set", "k", "v")
			redisCLI(t, m, "maxmemory\n"+strconv.Itoa(123<<20), "config", "get", "maxmemory")
			if err := m.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
			if answer, err := ping(t, b, 200*time.Millisecond); !os.IsTimeout(err) {
				t.Errorf("paused: got %q, %v; want silence", answer, err)
			}
			if err := m.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if answer, err := ping(t, b, patience); answer != "+PONG" {
				t.Errorf("resumed: got %q, %v", answer, err)
			}
			for name, end := range map[string]func(context.Context) error{"stop": m.Stop, "kill": m.Kill} {
				if err := end(t.Context()); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if answer, err := ping(t, b, 200*time.Millisecond); err == nil || m.Running(t.Context()) {
					t.Errorf("%s: it answers %q", name, answer)
				}
				if err := m.Start(t.Context()); err != nil {
					t.Fatalf("start after %s: %v", name, err)
				}
				if _, err := source.AwaitReady(t.Context(), b, m.Running); err != nil {
					t.Fatalf("start after %s: %v", name, err)
				}
				redisCLI(t, m, "v", "get", "k")
			}
		})
	}
}

func redisCLI(t *testing.T, m source.Machine, want string, args ...string) {
	t.Helper()
	out, err := m.Exec(t.Context(), append([]string{"redis-cli"}, args...))
	if err != nil || strings.TrimSpace(strings.ReplaceAll(out, "\r", "")) != want {
		t.Errorf("redis-cli %s: %q, %v; want %q", strings.Join(args, " "), out, err, want)
	}
}

func TestAwaitReady_GivesUpOnABrokerThatHasEnded(t *testing.T) {
	t.Parallel()
	b := source.Broker{Kind: source.Redis, URL: "redis://127.0.0.1:1", Addr: "127.0.0.1:1"}
	_, err := source.AwaitReady(t.Context(), b, func(context.Context) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "it has ended") {
		t.Errorf("got %v", err)
	}
}

func TestStart_SaysWhatEachSourceLacks(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	t.Setenv("HERALD_TEST_INSTALL", "0")
	t.Setenv("PATH", t.TempDir())
	_, _, err := source.NewFinder(t.TempDir(), io.Discard).Start(t.Context(), source.Order{Kind: source.Valkey, Origin: source.Local})
	if !errors.Is(err, source.ErrAbsent) || !strings.HasPrefix(source.Why(err), "local: valkey-server is not installed") {
		t.Errorf("got %v", err)
	}
	t.Setenv("HERALD_TEST_SOURCE", "local")
	_, _, err = source.NewFinder(t.TempDir(), io.Discard).Start(t.Context(), source.Order{Kind: source.Valkey})
	if !errors.Is(err, source.ErrAbsent) || strings.Contains(err.Error(), "docker") {
		t.Errorf("with local processes alone: %v", err)
	}
	t.Setenv("HERALD_TEST_SOURCE", "cloud")
	_, _, err = source.NewFinder(t.TempDir(), io.Discard).Start(t.Context(), source.Order{Kind: source.Valkey})
	if err == nil || errors.Is(err, source.ErrAbsent) || !strings.Contains(err.Error(), `"cloud"`) {
		t.Errorf("with a wrong source: %v", err)
	}
}

// Another process binds the same mark before it takes a port.
func TestFreePort_IsNotGivenToAnotherProcessBeforeItsBrokerListens(t *testing.T) {
	t.Parallel()
	port, err := source.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var config net.ListenConfig
	if mark, err := config.ListenPacket(t.Context(), "udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
		_ = mark.Close()
		t.Errorf("port %d could be given to another process", port)
	}
}

func TestWhy_HoldsNoPassword(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("%w: docker: dial amqp://herald:canary@127.0.0.1:5672/: refused\nlast line", source.ErrAbsent)
	if got, want := source.Why(err), "docker: dial amqp://***@127.0.0.1:5672/: refused last line"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGivenMachine_RemovesWhatTheContractHasLeftAndNothingElse(t *testing.T) {
	m, b := redis(t, source.Local)
	t.Setenv("HERALD_TEST_REDIS_URL", b.URL)
	redisCLI(t, m, "OK", "set", "{dt-abcdefghij-t1}", "of before")
	given, err := source.GivenBroker(t.Context(), source.Redis)
	if err != nil || given.Version != b.Version || given.Origin != source.Given || given.Addr != b.Addr {
		t.Fatalf("got %+v, %v", given, err)
	}
	machine, err := source.NewGivenMachine(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	if err := machine.Kill(t.Context()); err == nil {
		t.Error("a broker that is given can be killed")
	}
	redisCLI(t, m, "OK", "set", "{dt-klmnopqrst-t1}", "of the run")
	redisCLI(t, m, "OK", "set", "orders", "of the user")
	if err := machine.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	redisCLI(t, m, "2", "dbsize")
	redisCLI(t, m, "1", "exists", "{dt-abcdefghij-t1}")
	redisCLI(t, m, "1", "exists", "orders")
}

func TestGivenBroker_ThatDoesNotAnswerIsAbsentWithoutItsPassword(t *testing.T) {
	t.Setenv("HERALD_TEST_REDIS_URL", "redis://user:canary@127.0.0.1:1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := source.GivenBroker(ctx, source.Redis); !errors.Is(err, source.ErrAbsent) || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

// abandoned is what the process of this variable's folder does before it waits to be killed.
const abandoned = "HERALD_TEST_ABANDONED"

func TestMain(m *testing.M) {
	if origin := os.Getenv(abandoned); origin != "" {
		abandon(origin)
	}
	os.Exit(runApart(m))
}

// runApart runs the tests with a folder of their own for temporary files, in which no other process of the run looks for what is abandoned.
func runApart(m *testing.M) int {
	dir, err := os.MkdirTemp("", "source-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// abandon starts a Redis, says where, and waits for ever.
func abandon(origin string) {
	dir, err := source.NewFolder()
	if err != nil {
		panic(err)
	}
	_, b, err := source.NewFinder(dir, os.Stderr).Start(context.Background(), source.Order{Kind: source.Redis, Origin: origin})
	if err != nil {
		fmt.Println("absent", source.Why(err))
		os.Exit(0)
	}
	fmt.Println(b.Addr, dir)
	select {}
}

func TestReap_EndsWhatAKilledProcessHasLeftAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{source.Docker, source.Local} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			_, kept := redis(t, origin) // this process lives
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), abandoned+"="+origin)
			cmd.Stderr = os.Stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var addr, dir string
			if _, err := fmt.Fscan(stdout, &addr, &dir); err != nil {
				t.Fatal(err)
			}
			left := source.Broker{Addr: addr}
			if answer, err := ping(t, left, patience); answer != "+PONG" {
				t.Fatalf("before: %q, %v", answer, err)
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			// Containers are the whole machine's: whoever opens an engine from now on may remove it first.
			if answer, err := ping(t, left, patience); origin == source.Local && answer != "+PONG" {
				t.Fatalf("it ended with its process: %q, %v", answer, err)
			}
			reap(t, origin)
			if answer, err := ping(t, left, time.Second); err == nil {
				t.Errorf("what was left still answers %q", answer)
			}
			if _, err := os.Stat(dir); origin == source.Local && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its folder is still there: %v", err)
			}
			if answer, err := ping(t, kept, patience); answer != "+PONG" {
				t.Errorf("this process's own: %q, %v", answer, err)
			}
			_ = os.RemoveAll(dir)
		})
	}
}

func reap(t *testing.T, origin string) {
	t.Helper()
	if origin == source.Local {
		if _, err := source.ReapFolders(); err != nil {
			t.Fatal(err)
		}
		return
	}
	engine, err := source.OpenEngine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Reap(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Several finders may look for an engine at once, whether there is one or not: the race detector tells if they get in each other's way.
func TestEngines_AreOpenedAtTheSameTime(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 4) // one for each
	for range cap(errs) {
		go func() {
			_, err := source.OpenEngine(t.Context())
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil && !errors.Is(err, source.ErrAbsent) {
			t.Error(err)
		}
	}
}
