package supervise

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
)

const (
	// answerTime bounds an answer to a request that names no time.
	answerTime = 5 * time.Minute
	// endTime bounds how long ending all brokers may take.
	endTime = 60 * time.Second
)

// Supervisor owns brokers. Close ends them all.
type Supervisor struct {
	dir      string
	listener net.Listener
	finder   *source.Finder
	announce io.Writer
	stop     context.CancelFunc // ends what is under way
	work     sync.WaitGroup

	mu     sync.Mutex
	shared map[string]*start
	held   map[string]*held
	serial int
	conns  map[net.Conn]struct{}
	closed bool
}

// start is one broker's start, which the later ones that need it wait for.
type start struct {
	done   chan struct{}
	answer Answer
}

// held is one broker that runs.
type held struct {
	machine source.Machine
	broker  source.Broker
	holder  string // empty for the shared ones
}

// Open makes a supervisor that listens on a socket in a new folder. announce gets a line for each thing that takes the user's time or changes
// the machine.
func Open(announce io.Writer) (*Supervisor, error) {
	dir, err := source.NewFolder()
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "unix", filepath.Join(dir, "socket"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Supervisor{
		dir: dir, listener: listener, stop: stop, finder: source.NewFinder(dir, announce), announce: announce,
		shared: map[string]*start{}, held: map[string]*held{}, conns: map[net.Conn]struct{}{},
	}
	s.finder.ReapFolders()
	s.work.Go(func() { s.accept(ctx) })
	return s, nil
}

// Socket returns the path of its socket.
func (s *Supervisor) Socket() string { return s.listener.Addr().String() }

// Close ends every broker and removes their data. It waits for both.
func (s *Supervisor) Close() error {
	s.stop()
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close() // its request has come to nothing
	}
	s.mu.Unlock()
	s.work.Wait()
	return errors.Join(err, s.end(func(*held) bool { return true }), os.RemoveAll(s.dir))
}

func (s *Supervisor) accept(ctx context.Context) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		closed := s.closed
		s.mu.Unlock()
		if closed {
			_ = conn.Close()
			return
		}
		s.work.Go(func() { s.serve(ctx, conn) })
	}
}

// serve reads one request and answers it. The connection of VerbHold stays until the other process lets it go.
func (s *Supervisor) serve(ctx context.Context, conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	lines := bufio.NewReader(conn)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return
	}
	var r Request
	if err := json.Unmarshal(line, &r); err != nil {
		_ = json.NewEncoder(conn).Encode(Answer{Error: err.Error()}) // or the other side is gone
		return
	}
	if r.Within <= 0 {
		r.Within = answerTime
	}
	bounded, cancel := context.WithTimeout(ctx, r.Within)
	defer cancel()
	if err := json.NewEncoder(conn).Encode(s.answer(bounded, r)); err != nil {
		return
	}
	if r.Verb == VerbHold {
		_, _ = lines.ReadByte() // returns when the other process ends
		_ = s.end(func(h *held) bool { return h.holder == r.Holder })
	}
}

func (s *Supervisor) answer(ctx context.Context, r Request) Answer {
	switch r.Verb {
	case VerbHold:
		return Answer{}
	case VerbNeed:
		return s.need(ctx, r.Order)
	case VerbOwn:
		return s.start(ctx, r.Order, r.Holder)
	case VerbRunning:
		return s.running()
	}
	s.mu.Lock()
	h := s.held[r.ID]
	s.mu.Unlock()
	if h == nil {
		return Answer{Error: fmt.Sprintf("there is no broker %q", r.ID)}
	}
	var a Answer
	err := s.act(ctx, h, r, &a)
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

func (s *Supervisor) act(ctx context.Context, h *held, r Request, a *Answer) (err error) {
	switch r.Verb {
	case VerbStop:
		return h.machine.Stop(ctx)
	case VerbKill:
		return h.machine.Kill(ctx)
	case VerbPause:
		return h.machine.Pause(ctx)
	case VerbResume:
		return h.machine.Resume(ctx)
	case VerbStart:
		if err := h.machine.Start(ctx); err != nil {
			return err
		}
		_, err := source.AwaitReady(ctx, h.broker, h.machine.Running)
		return err
	case VerbExec:
		if len(r.Args) == 0 {
			return errors.New("exec: name a program")
		}
		a.Output, err = h.machine.Exec(ctx, r.Args)
		return err
	case VerbLogs:
		a.Output = h.machine.Logs(ctx)
		return nil
	case VerbEnd:
		return s.end(func(other *held) bool { return other == h })
	}
	return fmt.Errorf("unknown request %q", r.Verb)
}

// need returns the shared broker, which the first one that needs it starts.
func (s *Supervisor) need(ctx context.Context, o source.Order) Answer {
	if o.Given && source.IsGiven(o.Kind) {
		return s.once(ctx, "given "+o.Kind, func(ctx context.Context) Answer { return s.given(ctx, o.Kind) })
	}
	return s.once(ctx, o.Kind, func(ctx context.Context) Answer { return s.start(ctx, source.Order{Kind: o.Kind}, "") })
}

// once returns what start does for a name the first time it is asked.
func (s *Supervisor) once(ctx context.Context, name string, run func(context.Context) Answer) Answer {
	s.mu.Lock()
	st := s.shared[name]
	first := st == nil
	if first {
		st = &start{done: make(chan struct{})}
		s.shared[name] = st
	}
	s.mu.Unlock()
	if first {
		st.answer = run(ctx)
		close(st.done)
	}
	select {
	case <-st.done:
		return st.answer
	case <-ctx.Done():
		return Answer{Error: fmt.Sprintf("%s is still starting: %v", name, ctx.Err())}
	}
}

// given returns the broker that the user gives.
func (s *Supervisor) given(ctx context.Context, kind string) Answer {
	b, err := source.GivenBroker(ctx, kind)
	if err != nil {
		return refusal(err)
	}
	m, err := source.NewGivenMachine(ctx, b)
	if err != nil {
		_, _ = fmt.Fprintf(s.announce, "brokers: what the tests make on the given %s will stay there: %s\n", kind, source.Why(err))
	}
	return s.hold(m, b, "")
}

func (s *Supervisor) start(ctx context.Context, o source.Order, holder string) Answer {
	m, b, err := s.finder.Start(ctx, o)
	if err != nil {
		return refusal(err)
	}
	return s.hold(m, b, holder)
}

// hold keeps a broker under an id.
func (s *Supervisor) hold(m source.Machine, b source.Broker, holder string) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	b.ID = b.Kind + "-" + strconv.Itoa(s.serial)
	s.held[b.ID] = &held{machine: m, broker: b, holder: holder}
	return Answer{Broker: b}
}

// refusal tells why there is no broker: it can't be had here, or something went wrong.
func refusal(err error) Answer {
	if errors.Is(err, source.ErrAbsent) {
		return Answer{NotRun: source.Why(err)}
	}
	return Answer{Error: err.Error()}
}

func (s *Supervisor) running() Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var a Answer
	for _, h := range s.held {
		a.Running = append(a.Running, h.broker)
	}
	return a
}

// end ends the brokers that which picks, all at once.
func (s *Supervisor) end(which func(*held) bool) error {
	s.mu.Lock()
	var picked []*held
	for id, h := range s.held {
		if which(h) {
			picked = append(picked, h)
			delete(s.held, id)
		}
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	errs := make([]error, len(picked))
	var all sync.WaitGroup
	for i, h := range picked {
		all.Go(func() { errs[i] = h.machine.Remove(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}
