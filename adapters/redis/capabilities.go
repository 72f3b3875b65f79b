package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// bulkLimit is proto-max-bulk-len as servers are shipped.
const bulkLimit = 512 << 20

// server is what a server tells about itself; empty is unknown.
type server struct {
	version, aof, fsync, policy, bulk, memory string
	valkey                                    bool
	replicas                                  int
}

// probe connects, and finds out what the server is.
func (d *Driver) probe(ctx context.Context) (driver.Capabilities, error) {
	wait := backoff.New(redialFirst, redialMost)
	var reason error // of the last try that ended by itself
	for {
		err := d.commands.ping(ctx)
		var caps driver.Capabilities
		if err == nil {
			caps, err = d.examine(ctx)
		}
		switch {
		case err == nil:
			return caps, nil
		case isForGood(err), errors.Is(err, driver.ErrUnsupported):
			return caps, err
		case err != context.DeadlineExceeded && err != context.Canceled: //nolint:errorlint // those alone say nothing
			reason = err
		case reason != nil:
			err = because(err, reason)
		}
		if wait.Wait(ctx) != nil {
			return caps, err
		}
	}
}

func (d *Driver) examine(ctx context.Context) (driver.Capabilities, error) {
	s, err := d.ask(ctx)
	if err != nil {
		return driver.Capabilities{}, err
	}
	if err := d.cfg.suits(s); err != nil {
		return driver.Capabilities{}, err
	}
	caps := driver.Capabilities{Broker: "redis", Version: s.version, Durability: d.cfg.durability(s), MaxMessage: bulkLimit}
	if n, err := strconv.Atoi(s.bulk); err == nil && n > 0 {
		caps.MaxMessage = n
	}
	caps.Features = streamFeatures(d.cfg, s)
	if d.cfg.PubSub {
		caps.Durability, caps.MaxMessage = driver.DurableMemory, min(caps.MaxMessage, channelMessage)
		caps.Features = channelFeatures()
	}
	return caps, nil
}

// ask reads, in one round trip, what is allowed to be read: managed servers forbid CONFIG, and some users INFO.
func (d *Driver) ask(ctx context.Context) (server, error) {
	var s server
	err := d.commands.do(ctx, watchKey, func(node *goredis.Client) error {
		pipe := node.Pipeline()
		info := pipe.Info(ctx)
		settings := make([]*goredis.MapStringStringCmd, len(asked))
		for i, name := range asked { // each for itself: one that is refused refuses no other
			settings[i] = pipe.ConfigGet(ctx, name)
		}
		if err := ran(pipe.Exec(ctx)); err != nil {
			return err
		}
		if err := info.Err(); err != nil && !says(err, "NOPERM", "ERR") {
			return err
		}
		for line := range strings.Lines(info.Val()) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				s.note(name, value)
			}
		}
		for i, name := range asked {
			if err := settings[i].Err(); err != nil && !isReply(err) {
				return err
			}
			s.note(name, settings[i].Val()[name])
		}
		return nil
	})
	return s, err
}

// asked are the settings that say what the server promises.
var asked = []string{"appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "proto-max-bulk-len"}

// note keeps one line of INFO or CONFIG.
func (s *server) note(name, value string) {
	to := map[string]*string{
		"redis_version": &s.version, "aof_enabled": &s.aof, "appendonly": &s.aof, "appendfsync": &s.fsync, "maxmemory": &s.memory,
		"maxmemory_policy": &s.policy, "maxmemory-policy": &s.policy, "proto-max-bulk-len": &s.bulk,
	}[name]
	switch {
	case value == "":
	case to != nil && !(name == "redis_version" && s.valkey):
		*to = value
	case name == "valkey_version":
		s.version, s.valkey = "valkey "+value, true
	case name == "connected_slaves":
		s.replicas, _ = strconv.Atoi(value) // 0 is the careful reading
	}
}

// suits refuses a server that can't do what is asked of it.
func (c Config) suits(s server) error {
	if strings.HasPrefix(s.policy, "allkeys-") && s.memory != "0" && s.memory != "" && !c.AllowEviction && !c.PubSub {
		return fmt.Errorf("%w: maxmemory-policy is %s, which deletes streams when memory runs out: set noeviction or a volatile- policy, or allow_eviction",
			driver.ErrUnsupported, s.policy)
	}
	if c.Durability == DurabilityAOF && s.aof != "" && !isOn(s.aof) && !c.PubSub {
		return fmt.Errorf("%w: durability aof needs appendonly yes", driver.ErrUnsupported)
	}
	if s.valkey {
		return nil
	}
	older := func(major, minor int) bool {
		var has [2]int
		n, _ := fmt.Sscanf(s.version, "%d.%d", &has[0], &has[1]) // a version that can't be read is not refused
		return n == 2 && (has[0] < major || has[0] == major && has[1] < minor)
	}
	switch {
	case older(7, 0) && !c.PubSub:
		return fmt.Errorf("%w: Redis is %s, and Streams need 7.0", driver.ErrUnsupported, s.version)
	case older(7, 0) && c.isCluster():
		return fmt.Errorf("%w: Redis is %s, and Pub/Sub in a cluster needs 7.0", driver.ErrUnsupported, s.version)
	case older(7, 2) && c.Durability == DurabilityAOF && !c.PubSub:
		return fmt.Errorf("%w: Redis is %s, and durability aof needs 7.2", driver.ErrUnsupported, s.version)
	default:
		return nil
	}
}

func isOn(aof string) bool { return aof == "yes" || aof == "1" }

// durability is the class of what is stored; what is not known counts as the weaker.
func (c Config) durability(s server) driver.Durability {
	base := driver.DurableMemory
	if isOn(s.aof) {
		base = driver.DurableOS
		if s.fsync == "always" || c.Durability == DurabilityAOF {
			base = driver.DurableDisk
		}
	}
	if n, _ := c.replicas(); n > 0 && 2*(n+1) > s.replicas+1 {
		return driver.DurableReplicated
	}
	return base
}

// streamFeatures is what Streams can do.
func streamFeatures(c Config, s server) map[driver.Feature]driver.Capability {
	native := func(how string) driver.Capability { return driver.Capability{Level: driver.Native, How: how} }
	emulated := func(how string) driver.Capability { return driver.Capability{Level: driver.Emulated, How: how} }
	kept := "kept for ever"
	if c.History > 0 {
		kept = "kept for " + c.History.String() + " once every group has finished it"
	}
	if strings.HasPrefix(s.policy, "allkeys-") {
		kept += "; the server may evict it (maxmemory-policy " + s.policy + ")"
	} else if s.policy == "" {
		kept += "; whether the server may evict it is unknown"
	}
	return map[driver.Feature]driver.Capability{
		driver.FeatureGroups:       native("consumer groups; members are kept alive by beats, and what the silent held is claimed"),
		driver.FeatureBroadcast:    native("XREAD from now on"),
		driver.FeatureHistory:      native("streams; " + kept),
		driver.FeatureStart:        native("entry ids, which are the server's time"),
		driver.FeatureReset:        native("the group is created anew at another id"),
		driver.FeatureReplicaOrder: emulated("partition streams, each owned by one member through a lease with a fence"),
		driver.FeatureDelay:        emulated("a sorted set, moved by the members of any group on the server's time"),
		driver.FeatureInbox:        emulated("a stream beside the topic's, and a sorted set for what is not due"),
		driver.FeatureLog:          native("a stream that is never trimmed"),
		driver.FeatureKeep:         native("streams"),
		driver.FeatureLag:          native("XINFO GROUPS and XPENDING"),
		driver.FeatureIdempotent:   {Level: driver.Refused, How: "needs Redis 8.6: nothing is sent twice, and what is not answered is unconfirmed"},
	}
}

// permitted asks with harmless commands whether a member may do what it will have to do, since an error within a script does not name the
// command.
func (d *Driver) permitted(ctx context.Context, p place, group string) error {
	return d.commands.do(ctx, p.stream(), func(node *goredis.Client) error {
		pipe := node.Pipeline()
		for _, args := range [][]any{
			{"xadd", p.stream(), "nomkstream", "never", "f", "v"},
			{"xreadgroup", "group", group, released, "streams", p.stream(), "never"},
			{"xgroup", "delconsumer", p.stream(), "herald..nobody", released},
			{"xack", p.stream(), "herald..nobody", "0-0"},
			{"xclaim", p.stream(), "herald..nobody", released, 0, "0-0"},
			{"xpending", p.stream(), "herald..nobody"},
			{"xinfo", "groups", p.stream()},
			{"xrange", p.stream(), "+", "-", "count", 1},
			{"xdel", p.inbox(group), "0-0"},
			{"xtrim", p.stream(), "maxlen", "never"},
			{"hgetall", p.members(group)},
			{"hset", p.members(group), "f", "v", "odd"},
			{"hget", p.members(group), "fence"},
			{"hmget", p.members(group), "fence"},
			{"hdel", p.members(group), "never"},
			{"hincrby", p.members(group), "fence", "never"},
			{"zadd", p.later(), "never", "m"},
			{"zrem", p.later(), "never"},
			{"zrange", p.later(), 1, 0},
			{"exists", p.stream()},
			{"evalsha", "never", 0},
			{"zrangebyscore", p.later(), "-inf", "never"},
			{"time"},
			{"eval", "return 1", 0},
		} {
			_ = pipe.Process(ctx, goredis.NewCmd(ctx, args...)) // only collects
		}
		cmds, err := pipe.Exec(ctx)
		if err != nil && !isReply(err) {
			return err
		}
		for _, cmd := range cmds {
			if says(cmd.Err(), "NOPERM") {
				return fmt.Errorf("%s: %w", cmd.Name(), cmd.Err())
			}
			if isUnready(cmd.Err()) || isMoved(cmd.Err()) {
				return cmd.Err()
			}
		}
		return nil
	})
}
