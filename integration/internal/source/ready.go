package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	kafkago "github.com/segmentio/kafka-go"
)

// tryTime bounds one look at whether a broker serves, pause is between two.
const (
	tryTime = 5 * time.Second
	pause   = 100 * time.Millisecond
)

// AwaitReady returns when the broker serves, with the version that it tells or "". It gives up when ctx ends and when running says no.
func AwaitReady(ctx context.Context, b Broker, running func(context.Context) bool) (version string, err error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		version, err = look(ctx, b)
		if err == nil {
			return version, nil
		}
		if !running(ctx) && ctx.Err() == nil {
			return "", fmt.Errorf("it has ended; the last look: %w", err)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("it does not serve: %w", err)
		case <-tick.C:
		}
	}
}

func look(ctx context.Context, b Broker) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	target, err := url.Parse(b.URL)
	if err != nil {
		return "", errors.New("its URL can't be read") // url.Error holds the URL, and so the password
	}
	switch target.Scheme {
	case "amqp":
		return lookRabbitMQ(ctx, b.Addr, target)
	case "kafka":
		return "", lookKafka(ctx, b.Addr)
	case "redis":
		return lookRedis(ctx, b.Addr, target)
	}
	// What is encrypted is for the adapter that knows the keys.
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", b.Addr)
	if err != nil {
		return "", err
	}
	return "", conn.Close()
}

// lookRabbitMQ opens a channel: RabbitMQ accepts connections once its queues are recovered.
func lookRabbitMQ(ctx context.Context, addr string, target *url.URL) (version string, err error) {
	pass, _ := target.User.Password()
	vhost := "/"
	if path := strings.TrimPrefix(target.Path, "/"); path != "" {
		vhost = path
	}
	config := amqp.Config{
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: target.User.Username(), Password: pass}}, Vhost: vhost,
		Dial: func(network, _ string) (net.Conn, error) { return dialUntil(ctx, network, addr) },
	}
	conn, err := amqp.DialConfig("amqp://"+addr, config)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Channel(); err != nil {
		return "", err
	}
	version, _ = conn.Properties["version"].(string)
	return version, nil
}

// dialUntil dials a connection that ends with ctx at the latest.
func dialUntil(ctx context.Context, network, addr string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	return conn, err
}

// lookKafka asks for the cluster, and for a group's coordinator, which makes the topic of offsets on the first start and loads it later.
func lookKafka(ctx context.Context, addr string) error {
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(strings.Split(addr, ",")...), Transport: transport}
	cluster, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return err
	}
	if len(cluster.Brokers) == 0 {
		return errors.New("the cluster has no broker yet")
	}
	coordinator, err := client.FindCoordinator(ctx, &kafkago.FindCoordinatorRequest{Key: "herald-ready", KeyType: kafkago.CoordinatorKeyTypeConsumer})
	if err != nil {
		return err
	}
	if coordinator.Error != nil {
		return coordinator.Error
	}
	offsets, err := client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: "herald-ready", Topics: map[string][]int{}})
	if err != nil {
		return err
	}
	return offsets.Error
}

// lookRedis wants PONG: a server that still reads its file answers LOADING.
func lookRedis(ctx context.Context, addr string, target *url.URL) (version string, err error) {
	conn, err := dialUntil(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	if pass, ok := target.User.Password(); ok {
		auth := []string{"AUTH", pass}
		if name := target.User.Username(); name != "" {
			auth = []string{"AUTH", name, pass}
		}
		if _, err := command(conn, answers, auth...); err != nil {
			return "", err
		}
	}
	if _, err := command(conn, answers, "PING"); err != nil {
		return "", err
	}
	info, err := command(conn, answers, "INFO", "server")
	if err != nil {
		return "", err
	}
	if _, valkey, ok := strings.Cut(info, "valkey_version:"); ok {
		return "valkey " + firstLine(valkey), nil
	}
	_, version, _ = strings.Cut(info, "redis_version:")
	return firstLine(version), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// command sends one command by Redis's protocol and reads its answer, a line or a string of a given length.
func command(conn net.Conn, answers *bufio.Reader, args ...string) (string, error) {
	request := fmt.Sprintf("*%d\r\n", len(args))
	for _, arg := range args {
		request += fmt.Sprintf("$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		return "", err
	}
	line, err := answers.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	var size int
	switch {
	case strings.HasPrefix(line, "-"):
		return "", fmt.Errorf("%s: %s", args[0], line[1:])
	case strings.HasPrefix(line, "+"):
		return line[1:], nil
	}
	if _, err := fmt.Sscanf(line, "$%d", &size); err != nil {
		return "", fmt.Errorf("%s: unexpected answer %q", args[0], line)
	}
	text := make([]byte, size+2)
	for read := 0; read < len(text); {
		n, err := answers.Read(text[read:])
		if err != nil {
			return "", err
		}
		read += n
	}
	return string(text[:size]), nil
}
