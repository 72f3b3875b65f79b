package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// sourceVariable names the one source that brokers may come from, Docker or Local.
const sourceVariable = "HERALD_TEST_SOURCE"

// Finder starts brokers from the first source that has them: Docker, else processes of this machine.
type Finder struct {
	dir      string
	announce io.Writer

	once      sync.Once
	engine    *Engine
	engineErr error
}

// NewFinder returns a Finder whose local processes keep their data in dir; announce gets a line for each thing that is installed or reaped.
func NewFinder(dir string, announce io.Writer) *Finder { return &Finder{dir: dir, announce: announce} }

// Start starts an order and waits until the broker serves. The error wraps ErrAbsent where no source can give one, and says why for each.
func (f *Finder) Start(ctx context.Context, o Order) (Machine, Broker, error) {
	sources := []string{Docker, Local}
	if only := os.Getenv(sourceVariable); only != "" {
		if !slices.Contains(sources, only) {
			return nil, Broker{}, fmt.Errorf("%s is %q, and can be %s", sourceVariable, only, strings.Join(sources, " or "))
		}
		sources = []string{only}
	}
	if o.Origin != "" {
		if !slices.Contains(sources, o.Origin) {
			return nil, Broker{}, fmt.Errorf("%w: it is wanted from %s, and %s says %s", ErrAbsent, o.Origin, sourceVariable, sources[0])
		}
		sources = []string{o.Origin}
	}
	var whys []string
	for _, source := range sources {
		machine, b, err := f.from(ctx, source, o)
		if err == nil {
			return machine, b, nil
		}
		if !errors.Is(err, ErrAbsent) {
			return nil, b, fmt.Errorf("%s: %w", source, err)
		}
		whys = append(whys, source+": "+reason(err))
	}
	return nil, Broker{}, fmt.Errorf("%w: %s", ErrAbsent, strings.Join(whys, "; "))
}

// reason is an error's text without the words of ErrAbsent.
func reason(err error) string { return strings.ReplaceAll(err.Error(), ErrAbsent.Error()+": ", "") }

// Why returns the reason of an error that wraps ErrAbsent, on one line and without passwords.
func Why(err error) string { return secret.ReplaceAllString(oneLine(reason(err)), "://***@") }

var secret = regexp.MustCompile(`://[^/@\s]*@`)

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (f *Finder) from(ctx context.Context, source string, o Order) (Machine, Broker, error) {
	var m Machine
	var b Broker
	var err error
	if source == Docker {
		var engine *Engine
		if engine, err = f.docker(ctx); err == nil {
			m, b, err = engine.Create(ctx, o)
		}
	} else {
		m, b, err = StartLocal(ctx, o, f.dir, f.announce)
	}
	if err != nil {
		return nil, b, err
	}
	version, err := AwaitReady(ctx, b, m.Running)
	if err != nil {
		return nil, b, errors.Join(fmt.Errorf("%w\n%s", err, m.Logs(ctx)), m.Remove(context.WithoutCancel(ctx)))
	}
	if b.Version == "" {
		b.Version = version
	}
	if b.Version == "" {
		b.Version = jarVersion(ctx, m)
	}
	return m, b, nil
}

var jar = regexp.MustCompile(`kafka_[\d.]+-(\d[\w.]*)\.jar`)

// jarVersion returns the version of a Kafka in a container, which it does not tell its clients.
func jarVersion(ctx context.Context, m Machine) string {
	files, err := m.Exec(ctx, []string{"ls", "/opt/kafka/libs"})
	if found := jar.FindStringSubmatch(files); err == nil && found != nil {
		return found[1]
	}
	return ""
}

// docker opens the engine, once, and reaps what earlier runs have left.
func (f *Finder) docker(ctx context.Context) (*Engine, error) {
	f.once.Do(func() {
		f.engine, f.engineErr = OpenEngine(ctx)
		if f.engineErr != nil {
			return
		}
		n, err := f.engine.Reap(ctx)
		f.reaped(n, "containers", err)
	})
	return f.engine, f.engineErr
}

// ReapContainers removes containers that earlier runs have left. The error wraps ErrAbsent where no engine answers.
func (f *Finder) ReapContainers(ctx context.Context) error {
	_, err := f.docker(ctx)
	return err
}

// ReapFolders removes local brokers that earlier runs have left.
func (f *Finder) ReapFolders() {
	n, err := ReapFolders()
	f.reaped(n, "folders of local brokers", err)
}

func (f *Finder) reaped(n int, what string, err error) {
	if n > 0 {
		tell(f.announce, "removed %d %s of runs that are gone", n, what)
	}
	if err != nil {
		tell(f.announce, "reaping %s: %v", what, err)
	}
}
