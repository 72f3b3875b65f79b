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

// ports remembers which ports this process has given out. It keeps UDP's port of the same number, which no broker uses, for as long as it
// lives: so another process that looks for a port, as several of one run do at the same time, is not given this one before its broker
// listens, nor while its broker is down.
type ports struct {
	mu    sync.Mutex
	taken map[int]net.PacketConn
}

var given = ports{taken: map[int]net.PacketConn{}}

// free returns a port on loopback that nobody listens on, and that no process is given twice, nor two processes.
func (p *ports) free(ctx context.Context) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var config net.ListenConfig
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		mark, err := config.ListenPacket(ctx, "udp", loopback(port))
		if err != nil {
			continue // also where this process has it already
		}
		l, err := config.Listen(ctx, "tcp", loopback(port))
		if err != nil {
			_ = mark.Close() // it was never ours
			continue
		}
		if err := l.Close(); err != nil {
			return 0, errors.Join(err, mark.Close())
		}
		p.taken[port] = mark
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
