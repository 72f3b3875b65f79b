package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tcexec "github.com/testcontainers/testcontainers-go/exec"
	"github.com/testcontainers/testcontainers-go/log"
)

const (
	// pullTime bounds how long an image may take to arrive: after that the next source is tried.
	pullTime = time.Minute
	// engineTime bounds how long an engine may take to answer, on a busy machine; where there is none it is refused at once.
	engineTime = 30 * time.Second
	// stopTime is how long a broker may take to end in good order before it is killed.
	stopTime = 60 * time.Second
	// ownerLabel marks the project's containers with the process that they end with.
	ownerLabel = "com.github.herald-go.herald.test.owner"
)

// Engine is a Docker engine that answers.
type Engine struct {
	client   client.APIClient
	provider *testcontainers.DockerProvider
	owner    string
}

// hush silences testcontainers' logger, which is one variable for the whole process, once: finders may open engines at the same time.
var hush = sync.OnceFunc(func() { log.SetDefault(quiet{}) })

// OpenEngine finds a Docker engine. The error wraps ErrAbsent where none answers.
func OpenEngine(ctx context.Context) (*Engine, error) {
	// What this package starts it also reaps, by its own label; testcontainers reads the variable once, at its first use.
	if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return nil, err
	}
	owner, err := self()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	hush()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return nil, fmt.Errorf("%w: no Docker engine: %w", ErrAbsent, err)
	}
	if err := provider.Health(ctx); err != nil {
		return nil, fmt.Errorf("%w: no Docker engine answers: %w", ErrAbsent, err)
	}
	return &Engine{client: provider.Client(), provider: provider, owner: owner.String()}, nil
}

// quiet is for what testcontainers tells of each step.
type quiet struct{}

var _ log.Logger = quiet{}

func (quiet) Printf(string, ...any) {}

// fetch sees to it that an image is there. The error wraps ErrAbsent if it does not arrive in time.
func (e *Engine) fetch(ctx context.Context, name string) error {
	if _, err := e.client.ImageInspect(ctx, name); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pullTime)
	defer cancel()
	if err := e.provider.PullImage(ctx, name); err != nil {
		return fmt.Errorf("%w: image %s is not there and did not arrive within %v: %w", ErrAbsent, name, pullTime, err)
	}
	return nil
}

// Create makes a container for an order and starts it.
func (e *Engine) Create(ctx context.Context, o Order) (Machine, Broker, error) {
	if err := e.fetch(ctx, ImageOf(o.Kind)); err != nil {
		return nil, Broker{}, err
	}
	port, err := given.free(ctx)
	if err != nil {
		return nil, Broker{}, err
	}
	ports, err := given.named(ctx, o.Ports)
	if err != nil {
		return nil, Broker{}, err
	}
	img := imageOf(&o, port, ports)
	b := Broker{Kind: o.Kind, Addr: loopback(port), URL: urlOf(o.Kind, loopback(port)), Inside: img.inside, Origin: Docker, Ports: map[string]string{}}
	published := map[int]int{img.port: port}
	for name, port := range ports {
		published[port] = port
		b.Ports[name] = loopback(port)
	}
	options := append(e.options(o.Kind, img, published), testcontainers.WithName(fmt.Sprintf("herald-test-%s-%d", o.Kind, port)))
	made, err := testcontainers.Run(ctx, img.name, options...)
	c := &dockerMachine{engine: e, kind: o.Kind, container: made}
	if err != nil {
		words := ""
		if made != nil {
			words = "\n" + c.Logs(ctx)
			err = errors.Join(err, c.Remove(context.WithoutCancel(ctx)))
		}
		return nil, Broker{}, fmt.Errorf("docker run %s: %w%s", img.name, err, words)
	}
	return c, b, nil
}

func (e *Engine) options(kind string, img image, published map[int]int) []testcontainers.ContainerCustomizer {
	bindings := network.PortMap{}
	exposed := make([]string, 0, len(published))
	for inside, outside := range published {
		port := strconv.Itoa(inside) + "/tcp"
		exposed = append(exposed, port)
		bindings[network.MustParsePort(port)] = []network.PortBinding{
			{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), HostPort: strconv.Itoa(outside)},
		}
	}
	options := []testcontainers.ContainerCustomizer{
		testcontainers.WithExposedPorts(exposed...),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) { h.PortBindings = bindings }),
		testcontainers.WithConfigModifier(func(c *container.Config) { c.Hostname = kind }), // RabbitMQ names its data after the host
		testcontainers.WithLabels(map[string]string{ownerLabel: e.owner}),
		testcontainers.WithEnv(img.env),
	}
	if img.cmd != nil {
		options = append(options, testcontainers.WithCmd(img.cmd...))
	}
	for path, content := range img.files {
		options = append(options, testcontainers.WithFiles(testcontainers.ContainerFile{
			Reader: bytes.NewReader(content), ContainerFilePath: path, FileMode: 0o644,
		}))
	}
	return options
}

// dockerMachine is a broker in a container.
type dockerMachine struct {
	engine    *Engine
	kind      string
	container *testcontainers.DockerContainer
}

func (m *dockerMachine) id() string { return m.container.GetContainerID() }

func (m *dockerMachine) Start(ctx context.Context) error {
	_, err := m.engine.client.ContainerStart(ctx, m.id(), client.ContainerStartOptions{})
	return err
}

func (m *dockerMachine) Stop(ctx context.Context) error {
	if m.kind == RabbitMQ {
		// Not every image hands SIGTERM to Erlang. The program may well end with the broker that it ends, before it has its own status.
		_, _ = m.Exec(ctx, []string{"rabbitmqctl", "stop"})
	}
	seconds := int(stopTime / time.Second)
	_, err := m.engine.client.ContainerStop(ctx, m.id(), client.ContainerStopOptions{Timeout: &seconds})
	return err
}

func (m *dockerMachine) Kill(ctx context.Context) error {
	wait := m.engine.client.ContainerWait(ctx, m.id(), client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := m.engine.client.ContainerKill(ctx, m.id(), client.ContainerKillOptions{Signal: "KILL"}); err != nil {
		return err
	}
	select {
	case <-wait.Result:
		return nil
	case err := <-wait.Error:
		return err
	}
}

func (m *dockerMachine) Pause(ctx context.Context) error {
	_, err := m.engine.client.ContainerPause(ctx, m.id(), client.ContainerPauseOptions{})
	return err
}

func (m *dockerMachine) Resume(ctx context.Context) error {
	_, err := m.engine.client.ContainerUnpause(ctx, m.id(), client.ContainerUnpauseOptions{})
	return err
}

func (m *dockerMachine) Exec(ctx context.Context, args []string) (string, error) {
	if m.kind == Kafka {
		args = kafkaTool(args, "java", "/opt/kafka/libs")
	}
	if m.kind == Valkey && args[0] == "redis-cli" {
		args = append([]string{"valkey-cli"}, args[1:]...)
	}
	code, output, err := m.container.Exec(ctx, args, tcexec.Multiplexed())
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(output)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exit status %d\n%s", strings.Join(args, " "), code, text)
	}
	return string(text), err
}

func (m *dockerMachine) Logs(ctx context.Context) string {
	logs, err := m.engine.client.ContainerLogs(ctx, m.id(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "40"})
	if err != nil {
		return err.Error()
	}
	defer func() { _ = logs.Close() }()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, logs); err != nil {
		return err.Error()
	}
	return text.String()
}

func (m *dockerMachine) Running(ctx context.Context) bool {
	found, err := m.engine.client.ContainerInspect(ctx, m.id(), client.ContainerInspectOptions{})
	return err == nil && found.Container.State != nil && found.Container.State.Running
}

func (m *dockerMachine) Remove(ctx context.Context) error { return m.engine.remove(ctx, m.id()) }

func (e *Engine) remove(ctx context.Context, id string) error {
	_, err := e.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	return err
}
