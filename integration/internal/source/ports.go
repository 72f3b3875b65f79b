package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports below the range that the kernel hands to clients (32768 and up on Linux, 49152 on others): nobody takes one by chance while its
// broker is down, and a client that dials it then can't be given it as its own, which would connect the client to itself.
const firstPort, lastPort = 20000, 32000

// ports remembers which ports this process has given out.
type ports struct {
	mu    sync.Mutex
	taken map[int]bool
}

var given = ports{taken: map[int]bool{}}

// free returns a port on loopback that nobody listens on, and that it returns only once.
func (p *ports) free(ctx context.Context) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if p.taken[port] {
			continue
		}
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", loopback(port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, err
		}
		p.taken[port] = true
		return port, nil
	}
	return 0, errors.New("no free port on loopback")
}

// named returns a port for each name.
func (p *ports) named(ctx context.Context, names []string) (map[string]int, error) {
	ports := make(map[string]int, len(names))
	for _, name := range names {
		port, err := p.free(ctx)
		if err != nil {
			return nil, fmt.Errorf("port %s: %w", name, err)
		}
		ports[name] = port
	}
	return ports, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
