package source

import (
	"context"
	"io"
	"net"
	"os/exec"
	"strconv"
)

// redis makes the machine a redis-server, or a valkey-server.
func (m *localMachine) redis(ctx context.Context, o *Order, p place, announce io.Writer) error {
	name, packages := "redis-server", []string{"redis-server"}
	if o.Kind == Valkey {
		name, packages = "valkey-server", []string{"valkey-server"}
	}
	server, err := find(ctx, announce, name, packages...)
	if err != nil {
		return err
	}
	conf, err := m.write("redis.conf", o.redisConf(
		p,
		Setting{"bind", "127.0.0.1"},
		Setting{"port", strconv.Itoa(p.port)},
		Setting{"dir", p.data},
	))
	if err != nil {
		return err
	}
	m.servers = []program{{args: []string{server, conf}}}
	m.tool = func(args []string) program {
		if args[0] != "redis-cli" && args[0] != "valkey-cli" {
			return program{args: args}
		}
		cli := args[0]
		if _, err := exec.LookPath(cli); err != nil && o.Kind == Valkey {
			cli = "valkey-cli"
		}
		host, port, _ := net.SplitHostPort(loopback(p.port))
		return program{args: append([]string{cli, "-h", host, "-p", port}, args[1:]...)}
	}
	return nil
}
