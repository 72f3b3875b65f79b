package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/herald-go/herald/integration/network"
)

// roleVariable makes a process play a role, instead of what it would do otherwise.
const roleVariable = "HERALD_CHAOS_ROLE"

// Child plays the role that the process was started for, and ends the process; it returns in a process that was started for something else. A
// program that calls Run must call it first.
func Child() {
	text := os.Getenv(roleVariable)
	if text == "" {
		return
	}
	signal.Ignore(os.Interrupt) // it is for the parent, which tells the others
	if err := play(text); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func play(text string) error {
	var r Role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	orders := make(chan string)
	go func() { // it ends with the process, or with its standard input
		defer close(orders)
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			orders <- lines.Text()
		}
	}()
	say := func(text string) { fmt.Println(text) }
	return Work(context.Background(), r, Open, orders, say)
}

// child is a process that plays a role.
type child struct {
	role  Role
	cmd   *exec.Cmd
	stdin io.WriteCloser
	says  chan string
	net   *network.Network
	err   error
	ended chan struct{}
}

// answerTime is how long a child may take to answer: it may be hurt, and so may the broker that it opens.
const answerTime = 2 * time.Minute

// start starts a child with a network of its own, which a child that comes back takes over.
func (r *run) start(ctx context.Context, role Role, net *network.Network) (*child, error) {
	through, err := net.Lead(r.broker.Addr())
	if err != nil {
		return nil, err
	}
	role.Through, role.URL, role.Broker, role.Dir = through, r.broker.URL(), string(r.cfg.Broker), r.dir
	text, err := json.Marshal(role)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	words, err := os.OpenFile(filepath.Join(r.dir, role.Name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = words.Close() }() // the child has its own
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self)
	cmd.Env = append(os.Environ(), roleVariable+"="+string(text))
	cmd.Stderr = words
	c := &child{role: role, cmd: cmd, says: make(chan string, 8), net: net, ended: make(chan struct{})} // room for what nobody waits for
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go c.listen(out)
	r.children[role.Name] = c
	return c, nil
}

// listen reads what a child says, and waits for its end.
func (c *child) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		select {
		case c.says <- lines.Text():
		default:
		}
	}
	c.err = c.cmd.Wait()
	close(c.ended)
}

// await waits until a child says something.
func (c *child) await(ctx context.Context, word string) error {
	timeout := time.NewTimer(answerTime)
	defer timeout.Stop()
	for {
		select {
		case said := <-c.says:
			if said == word {
				return nil
			}
		case <-c.ended:
			return fmt.Errorf("%s ended instead of being %s: %w", c.role.Name, word, errOr(c.err))
		case <-timeout.C:
			return fmt.Errorf("%s is not %s after %v", c.role.Name, word, answerTime)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

var errEnded = errors.New("exit status 0")

func errOr(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

func (c *child) order(order string) error {
	_, err := io.WriteString(c.stdin, order+"\n")
	return err
}

// kill ends a child by SIGKILL, and waits for it.
func (c *child) kill() error {
	err := c.cmd.Process.Kill()
	<-c.ended
	return err
}

// stop lets a child end in good order, and waits for it.
func (c *child) stop() error {
	_ = c.stdin.Close() // it may have ended
	timeout := time.NewTimer(closeTime + 20*time.Second)
	defer timeout.Stop()
	select {
	case <-c.ended:
	case <-timeout.C:
		_ = c.cmd.Process.Signal(syscall.SIGQUIT) // the stacks go to its log
		<-c.ended
		return fmt.Errorf("%s does not end in good order", c.role.Name)
	}
	if c.err != nil {
		return fmt.Errorf("%s: %w", c.role.Name, c.err)
	}
	return nil
}
