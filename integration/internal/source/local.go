package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// program is a process that runs for a broker.
type program struct {
	args []string
	env  []string // beside the supervisor's own
}

// localMachine is a broker of processes of this machine, which listen on loopback alone.
type localMachine struct {
	dir     string    // its data, its files and its log
	before  []program // run once, before the first start
	servers []program // run together; the last one is the broker, those before it are what it needs
	tool    func(args []string) program

	mu      sync.Mutex
	made    bool
	running []*server
}

// server is a process that was started.
type server struct {
	process Process
	ended   chan struct{} // closed when it was waited for
}

// StartLocal starts an order as processes of this machine, in a new folder in dir. Where a program is missing it is installed if that can be done;
// announce tells of it. The error wraps ErrAbsent where it can't.
func StartLocal(ctx context.Context, o Order, dir string, announce io.Writer) (Machine, Broker, error) {
	port, err := given.free(ctx)
	if err != nil {
		return nil, Broker{}, err
	}
	return StartLocalAt(ctx, o, port, dir, announce)
}

// StartLocalAt is StartLocal on a port of the caller's choice.
func StartLocalAt(ctx context.Context, o Order, port int, dir string, announce io.Writer) (Machine, Broker, error) {
	b := Broker{Kind: o.Kind, Addr: loopback(port), URL: urlOf(o.Kind, loopback(port)), Inside: loopback(port), Origin: Local, Ports: map[string]string{}}
	if !processesWork {
		return nil, b, fmt.Errorf("%w: local processes need a Unix system", ErrAbsent)
	}
	ports, err := given.named(ctx, o.Ports)
	if err != nil {
		return nil, b, err
	}
	for name, port := range ports {
		b.Ports[name] = loopback(port)
	}
	dir, err = os.MkdirTemp(dir, o.Kind+"-")
	if err != nil {
		return nil, b, err
	}
	p := place{port: port, ports: ports, files: filepath.Join(dir, "files"), data: filepath.Join(dir, "data")}
	m := &localMachine{dir: dir}
	err = m.fill(ctx, &o, p, announce)
	if err == nil {
		err = m.Start(ctx)
	}
	if err != nil {
		return nil, b, errors.Join(err, m.Remove(context.WithoutCancel(ctx)))
	}
	if o.Kind == Kafka {
		b.Version = kafkaVersion()
	}
	return m, b, nil
}

// fill writes the order's files and says what is to run.
func (m *localMachine) fill(ctx context.Context, o *Order, p place, announce io.Writer) error {
	for _, dir := range []string{p.files, p.data} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	for name, content := range o.Files {
		if err := os.WriteFile(filepath.Join(p.files, name), content, 0o600); err != nil {
			return err
		}
	}
	switch o.Kind {
	case RabbitMQ:
		return m.rabbitmq(ctx, o, p, announce)
	case Kafka:
		return m.kafka(ctx, o, p, announce)
	}
	return m.redis(ctx, o, p, announce)
}

// write puts a file of the broker's configuration into its folder and returns its path.
func (m *localMachine) write(name, text string) (string, error) {
	path := filepath.Join(m.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func (m *localMachine) Start(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.made {
		for _, p := range m.before {
			if _, err := m.run(ctx, p); err != nil {
				return err
			}
		}
		m.made = true
	}
	for _, p := range m.servers {
		s, err := m.launch(p)
		if err != nil {
			return errors.Join(err, m.signal(syscall.SIGKILL))
		}
		m.running = append(m.running, s)
	}
	return nil
}

// launch starts a process that writes to the broker's log, and notes its number.
func (m *localMachine) launch(p program) (*server, error) {
	logs, err := os.OpenFile(filepath.Join(m.dir, logFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = logs.Close() }() // the process has its own
	// It must outlive the context of the request that starts it.
	cmd := exec.CommandContext(context.Background(), p.args[0], p.args[1:]...)
	cmd.Dir, cmd.Env = m.dir, append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = logs, logs
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{ended: make(chan struct{})}
	s.process, err = processOf(cmd.Process.Pid)
	go func() { // ends with the process
		defer close(s.ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	if err == nil {
		err = record(m.dir, s.process)
	}
	if err != nil {
		_ = signalGroup(cmd.Process.Pid, syscall.SIGKILL)
		<-s.ended
	}
	return s, err
}

// run runs a program to its end and returns what it writes.
func (m *localMachine) run(ctx context.Context, p program) (string, error) {
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	cmd.Dir, cmd.Env = m.dir, append(os.Environ(), p.env...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(p.args, " "), err, out)
	}
	return string(out), nil
}

func (m *localMachine) Stop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if len(m.running) > 0 {
		broker := m.running[len(m.running)-1]
		if err := broker.process.signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-broker.ended:
		case <-ctx.Done(): // as Docker does
		}
	}
	return m.end()
}

func (m *localMachine) Kill(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.end()
}

// end kills what runs and waits for it. Callers hold mu.
func (m *localMachine) end() error {
	if err := m.signal(syscall.SIGKILL); err != nil {
		return err
	}
	for _, s := range m.running {
		<-s.ended
	}
	m.running = nil
	return nil
}

func (m *localMachine) Pause(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signal(syscall.SIGSTOP)
}

func (m *localMachine) Resume(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signal(syscall.SIGCONT)
}

// signal signals every process of the broker. Callers hold mu.
func (m *localMachine) signal(sig syscall.Signal) error {
	var errs []error
	for _, s := range m.running {
		if err := s.process.signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (m *localMachine) Exec(ctx context.Context, args []string) (string, error) {
	return m.run(ctx, m.tool(args))
}

// logFile is where a broker's processes write.
const logFile = "log"

func (m *localMachine) Logs(context.Context) string {
	text, err := os.ReadFile(filepath.Join(m.dir, logFile))
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-40):], []byte("\n")))
}

func (m *localMachine) Running(context.Context) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.running) == 0 {
		return false
	}
	select {
	case <-m.running[len(m.running)-1].ended:
		return false
	default:
		return true
	}
}

func (m *localMachine) Remove(ctx context.Context) error {
	err := m.Kill(ctx)
	return errors.Join(err, os.RemoveAll(m.dir))
}
