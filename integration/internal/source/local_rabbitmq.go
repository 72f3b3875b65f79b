package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// debianRabbitMQ is where Debian's package keeps the programs themselves; those on the path want to become another user first.
const debianRabbitMQ = "/usr/lib/rabbitmq/bin"

// rabbitmq makes the machine a rabbitmq-server with a port mapper of its own, so that neither meets another one on this machine.
func (m *localMachine) rabbitmq(ctx context.Context, o *Order, p place, announce io.Writer) error {
	server, err := find(ctx, announce, "rabbitmq-server", "rabbitmq-server")
	if err != nil {
		return err
	}
	epmd, err := find(ctx, announce, "epmd", "erlang-base")
	if err != nil {
		return err
	}
	mapper, err := given.free(ctx)
	if err != nil {
		return err
	}
	distribution, err := given.free(ctx)
	if err != nil {
		return err
	}
	conf, err := m.write("rabbitmq.conf", o.rabbitmqConf(p))
	if err != nil {
		return err
	}
	plugins, err := m.write("enabled_plugins", "[].\n")
	if err != nil {
		return err
	}
	env := []string{
		"HOME=" + m.dir, // of Erlang's cookie
		"ERL_EPMD_PORT=" + strconv.Itoa(mapper),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_CONF_ENV_FILE=" + os.DevNull, // not the machine's own
		"RABBITMQ_NODENAME=" + fmt.Sprintf("herald-%d@localhost", p.port),
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		"RABBITMQ_NODE_PORT=" + strconv.Itoa(p.port),
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(distribution),
		"RABBITMQ_CONFIG_FILE=" + conf,
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + filepath.Join(m.dir, "advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + plugins,
		"RABBITMQ_MNESIA_BASE=" + p.data,
		"RABBITMQ_LOG_BASE=" + m.dir,
		"RABBITMQ_LOGS=-",
		"RABBITMQ_GENERATED_CONFIG_DIR=" + filepath.Join(m.dir, "generated"),
		"RABBITMQ_PID_FILE=" + filepath.Join(m.dir, "pid"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=" + idleErlang + " -kernel inet_dist_use_interface {127,0,0,1}",
	}
	m.servers = []program{{args: []string{epmd}, env: env}, {args: []string{beside(server)}, env: env}}
	m.tool = func(args []string) program {
		return program{args: append([]string{beside(args[0])}, args[1:]...), env: env}
	}
	return nil
}

// beside returns the path of a program of RabbitMQ's.
func beside(name string) string {
	path := filepath.Join(debianRabbitMQ, filepath.Base(name))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return name
}
