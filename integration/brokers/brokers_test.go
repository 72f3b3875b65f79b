package brokers_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/herald-go/herald/integration/brokers"
)

func TestOwn_KeepsAddressAndDataOverRestartAndKill(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"docker", "local"} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			b := brokers.Own(t, brokers.Redis, brokers.From(origin))
			if b.Origin() != origin {
				t.Errorf("it comes from %s", b.Origin())
			}
			redisCLI(t, b, "OK", "set", "k", "before")
			must(t, b.Restart(t.Context()))
			redisCLI(t, b, "12", "append", "k", "-after")
			must(t, b.Kill(t.Context()))
			if out, err := b.Exec(t.Context(), "redis-cli", "ping"); err == nil {
				t.Errorf("killed, it answers %q", out)
			}
			must(t, b.Start(t.Context()))
			redisCLI(t, b, "before-after", "get", "k")
			must(t, b.Pause(t.Context()))
			must(t, b.Resume(t.Context()))
			redisCLI(t, b, "PONG", "ping")
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func redisCLI(t *testing.T, b *brokers.Broker, want string, args ...string) {
	t.Helper()
	out, err := b.Exec(t.Context(), append([]string{"redis-cli"}, args...)...)
	if got := strings.TrimSpace(out); err != nil || got != want {
		t.Errorf("redis-cli %s: %q, %v; want %q", strings.Join(args, " "), got, err, want)
	}
}

func TestOwn_TakesSettingsFilesAndPorts(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"docker", "local"} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			b := brokers.Own(
				t, brokers.Redis, brokers.From(origin), brokers.Port("other"), brokers.File("more.conf", []byte("maxclients 77\n")),
				brokers.Setting("include", "{files}/more.conf"), brokers.Setting("client-query-buffer-limit", "{port:other}000"),
			)
			redisCLI(t, b, "maxclients\n77", "config", "get", "maxclients")
			_, port, _ := strings.Cut(b.Port("other"), ":")
			redisCLI(t, b, "client-query-buffer-limit\n"+port+"000", "config", "get", "client-query-buffer-limit")
		})
	}
}

func TestOwn_EndsWithItsTest(t *testing.T) {
	t.Parallel()
	var b *brokers.Broker
	t.Run("owner", func(t *testing.T) { b = brokers.Own(t, brokers.Redis) })
	if b == nil {
		t.Skip("no redis, as the test above says")
	}
	ctx := context.WithoutCancel(t.Context())
	if out, err := b.Exec(ctx, "redis-cli", "ping"); err == nil || !strings.Contains(err.Error(), "there is no broker") {
		t.Errorf("it still runs: %q, %v", out, err)
	}
}

func TestNeed_IsOneForAllAndSafeFromFaults(t *testing.T) {
	t.Parallel()
	one, two := brokers.Need(t, brokers.Redis), brokers.Need(t, brokers.Redis)
	if one.URL() != two.URL() {
		t.Errorf("two brokers: %s and %s", one.Addr(), two.Addr())
	}
	for name, fault := range map[string]func(context.Context) error{"kill": one.Kill, "stop": one.Stop, "pause": one.Pause, "restart": one.Restart} {
		if err := fault(t.Context()); err == nil || !strings.Contains(err.Error(), "use Own") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// inner makes TestInner ask for a broker: it is run by the tests below, in a process whose environment has none.
const inner = "HERALD_TEST_INNER"

func TestInner(t *testing.T) {
	if os.Getenv(inner) != "" {
		brokers.Need(t, brokers.Valkey)
	}
}

// runInner runs TestInner with a supervisor that can have no broker: without Docker, and with no program on its path.
func runInner(t *testing.T, env ...string) (output string, err error) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "brokers")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/brokers")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	supervisor := exec.CommandContext(t.Context(), program, "serve")
	supervisor.Env = append(os.Environ(), "HERALD_TEST_INSTALL=0", "HERALD_TEST_SOURCE=local", "PATH="+t.TempDir())
	supervisor.Stderr = os.Stderr
	stdin, err := supervisor.StdinPipe()
	must(t, err)
	stdout, err := supervisor.StdoutPipe()
	must(t, err)
	must(t, supervisor.Start())
	socket, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestInner$", "-test.v")
	cmd.Env = append(os.Environ(), append(env, inner+"=1", "HERALD_TEST_BROKERS="+strings.TrimSpace(socket))...)
	out, err := cmd.CombinedOutput()
	must(t, stdin.Close())
	must(t, supervisor.Wait())
	return string(out), err
}

func TestNeed_WithoutABrokerSaysWhyAndSkips(t *testing.T) {
	t.Parallel()
	out, err := runInner(t, "HERALD_TEST_REQUIRE=redis")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"--- SKIP: TestInner", "ATTR  TestInner broker redis", "ATTR  TestInner why local: valkey-server is not installed"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestNeed_WithoutARequiredBrokerFails(t *testing.T) {
	t.Parallel()
	out, err := runInner(t, "HERALD_TEST_REQUIRE=kafka, valkey")
	if want := "valkey is required by HERALD_TEST_REQUIRE and can't be had: local: valkey-server is not installed"; err == nil || !strings.Contains(out, want) {
		t.Errorf("%v, and no %q in\n%s", err, want, out)
	}
}
