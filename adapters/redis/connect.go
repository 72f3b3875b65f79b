package redis

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// client is a pool of connections to one server, to the primary that sentinels name, or to the nodes of a cluster. Nothing is sent twice by
// the library: a second try is decided where it is known what the first may have done.
type client struct {
	wires   *wires
	single  *goredis.Client
	cluster *goredis.ClusterClient
}

var errReplica = errors.New("the server is a replica")

// newClient opens nothing yet. Answers must come within read.
func newClient(cfg Config, pool int, read time.Duration) *client {
	w := newWires(cfg)
	if cfg.isCluster() {
		return &client{wires: w, cluster: goredis.NewClusterClient(&goredis.ClusterOptions{
			Addrs: cfg.Addresses, Dialer: w.Dial, Protocol: 2, Username: cfg.Username, Password: cfg.Password,
			MaxRetries: -1, DialTimeout: cfg.Timeout, DialerRetries: 1, ReadTimeout: read, WriteTimeout: cfg.Timeout,
			ContextTimeoutEnabled: true, PoolSize: pool, PoolTimeout: cfg.Timeout, DisableIdentity: true,
			ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})}
	}
	if cfg.sentinels != nil {
		w.find = cfg.sentinels
		w.find.admit(w)
	}
	return &client{wires: w, single: goredis.NewClient(&goredis.Options{
		Addr: cfg.Addresses[0], Dialer: w.Dial, Protocol: 2, Username: cfg.Username, Password: cfg.Password, DB: cfg.DB,
		MaxRetries: -1, DialTimeout: cfg.Timeout, DialerRetries: 1, ReadTimeout: read, WriteTimeout: cfg.Timeout,
		ContextTimeoutEnabled: true, PoolSize: pool, PoolTimeout: cfg.Timeout, DisableIdentity: true,
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})}
}

// bufferSize is what a connection reads and writes at once.
const bufferSize = 64 << 10

// at returns the pool of the node that has the key.
func (c *client) at(ctx context.Context, key string) (*goredis.Client, error) {
	if c.single != nil {
		return c.single, nil
	}
	return c.cluster.MasterForKey(ctx, key)
}

// learn asks a cluster for its slots again after an answer that names another node, and reports whether to try once more.
func (c *client) learn(ctx context.Context, err error) bool {
	if c.cluster == nil || !isMoved(err) {
		return false
	}
	c.cluster.ReloadState(ctx)
	return true
}

// movedTries is how often a command follows a key to another node, and movedPause the time between.
const (
	movedTries = 8
	movedPause = 50 * time.Millisecond
)

// stalePool is how many connections of a pool may turn out to be closed before a new one is opened.
const stalePool = 4

// do runs f with the pool of the key's node, and again when the key has moved: a command that was answered so has done nothing.
func (c *client) do(ctx context.Context, key string, f func(*goredis.Client) error) error {
	var err error
	for try := range movedTries {
		if try > 0 && !pause(ctx, movedPause) {
			return err
		}
		var node *goredis.Client
		if node, err = c.at(ctx, key); err != nil {
			return err
		}
		for range stalePool {
			if err = f(node); !errors.Is(err, net.ErrClosed) {
				break // else it was cut here, and nothing has left
			}
		}
		if says(err, "READONLY") {
			c.wires.cut() // the primary may be another server by now
		}
		if !c.learn(ctx, err) {
			return err
		}
	}
	return err
}

// eval runs a script; the first key chooses the node.
func (c *client) eval(ctx context.Context, s *goredis.Script, keys []string, args ...any) (any, error) {
	var reply any
	err := c.do(ctx, keys[0], func(node *goredis.Client) error {
		var err error
		reply, err = s.Run(ctx, node, keys, args...).Result()
		return err
	})
	return reply, err
}

// ping fails unless the server answers and can serve writes.
func (c *client) ping(ctx context.Context) error {
	node, err := c.at(ctx, watchKey)
	if err != nil {
		return err
	}
	if c.cluster != nil {
		return node.Ping(ctx).Err()
	}
	pipe := node.Pipeline()
	role, pong := pipe.Do(ctx, "hello"), pipe.Ping(ctx)
	if err := ran(pipe.Exec(ctx)); err != nil {
		return err
	}
	hello, err := role.Slice()
	if err != nil {
		if isUnready(err) || !isReply(err) {
			return err
		}
		return pong.Err() // not allowed to ask for the role
	}
	for i := 0; i+1 < len(hello); i += 2 {
		if hello[i] == "role" && hello[i+1] != "master" {
			return errReplica
		}
	}
	if err = pong.Err(); says(err, "NOPERM") { // a server that is still loading says hello too
		return nil
	}
	return err
}

// ran returns why a pipeline has not run; what its commands were answered is their own. A login that is refused is an answer to none of them.
func ran(cmds []goredis.Cmder, err error) error {
	if err == nil || isReply(err) && slices.ContainsFunc(cmds, func(c goredis.Cmder) bool { return c.Err() != nil }) {
		return nil
	}
	return err
}

// warm opens n connections to each node, so that there are as many from the beginning as there will be.
func (c *client) warm(ctx context.Context, n int) {
	open := func(ctx context.Context, node *goredis.Client) error {
		conns := make([]*goredis.Conn, n)
		for i := range conns {
			conns[i] = node.Conn()
			_ = conns[i].Ping(ctx).Err() // what fails is opened when it is needed
		}
		for _, conn := range conns {
			_ = conn.Close() // back into the pool
		}
		return nil
	}
	if c.single != nil {
		_ = open(ctx, c.single) // never fails
		return
	}
	_ = c.cluster.ForEachMaster(ctx, open) // the same
}

func (c *client) close() {
	if c.single != nil {
		_ = c.single.Close() // nobody is left to tell
	} else {
		_ = c.cluster.Close() // the same
	}
	if c.wires.find != nil {
		c.wires.find.dismiss(c.wires)
	}
	c.wires.cut()
}

// pause sleeps and reports whether ctx still stands.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
