package brokers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/herald-go/herald/integration/internal/supervise"
)

// command is the supervisor's package.
const command = "github.com/herald-go/herald/integration/cmd/brokers"

// connected is this process's bond with the supervisor: made once, and given up by the end of the process alone.
var connected struct {
	sync.Mutex
	socket string
	lease  net.Conn // while it is open the supervisor keeps what this process owns
	stdin  *os.File // of a supervisor of our own, which ends with it
}

// supervisor returns the socket of the supervisor, and this process's name with it. It starts one where the run has none.
func supervisor() (socket, holder string, err error) {
	connected.Lock()
	defer connected.Unlock()
	holder = strconv.Itoa(os.Getpid())
	if connected.socket != "" {
		return connected.socket, holder, nil
	}
	socket = os.Getenv(supervise.SocketVariable)
	if socket == "" {
		if socket, err = start(); err != nil {
			return "", "", fmt.Errorf("start the supervisor: %w", err)
		}
	}
	lease, err := supervise.Connect(context.Background(), socket)
	if err != nil {
		return "", "", err
	}
	if err := supervise.Hold(lease, holder); err != nil {
		return "", "", err
	}
	connected.socket, connected.lease = socket, lease
	return socket, holder, nil
}

// start builds and starts a supervisor for this process alone. It ends when its standard input does, that is with this process.
func start() (socket string, err error) {
	dir, err := os.MkdirTemp("", "herald-supervisor-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a running program does not need its file
	program := filepath.Join(dir, "brokers")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, command).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	stdin, input, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer func() { _ = stdin.Close() }()
	cmd := exec.CommandContext(context.Background(), program, "serve")
	cmd.Stdin, cmd.Stderr = stdin, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("it says nothing: %w", err)
	}
	connected.stdin = input
	return strings.TrimSpace(line), nil
}
