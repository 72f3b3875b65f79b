package redis

import (
	"slices"
	"strings"

	"github.com/herald-go/herald/pkg/driver"
)

// Values of Config.Channels.
const (
	// ChannelsTopic is one channel for each topic, with the topic's name; in a cluster it is sharded. Readers skip the types that they do not
	// want.
	ChannelsTopic = "topic"
	// ChannelsType is a channel for each type of a topic, "orders:order.placed", so that readers with a filter subscribe to it, by PSUBSCRIBE
	// where it has wildcards, and are sent nothing else. In a cluster, where no pattern can be sharded, every node gets every message. Both
	// sides must choose it.
	ChannelsType = "type"
)

// channel is where a message of a topic goes. A name has no colon, so that no topic's channel is another's.
func (c Config) channel(topic, kind string) string {
	if c.Channels == ChannelsType {
		return topic + ":" + kind
	}
	return topic
}

// shards reports whether channels are those of one node of a cluster.
func (c Config) shards() bool { return c.isCluster() && c.Channels != ChannelsType }

// listensTo returns the channels of a reader, and the pattern of further ones where there is one. No channel is named twice, and there is one
// pattern at most, since a server sends a message once for each that matches: where a filter has several wildcards, the pattern is what they
// begin with. What comes beside is skipped like any other type.
func (c Config) listensTo(topic string, types []string) (channels []string, pattern string) {
	channels = []string{topic} // in any case, for strangers
	if c.Channels != ChannelsType {
		return channels, ""
	}
	if len(types) == 0 {
		return channels, quoteGlob(topic+":") + "*"
	}
	prefix, wild := commonBeginning(types)
	if !wild || prefix != "" {
		channels = append(channels, c.channel(topic, "")) // what has no type is never skipped
	}
	for _, t := range types {
		if _, isWild := beginning(t); !isWild && !(wild && strings.HasPrefix(t, prefix)) {
			channels = append(channels, c.channel(topic, t))
		}
	}
	slices.Sort(channels)
	if wild {
		pattern = quoteGlob(topic+":"+prefix) + "*"
	}
	return slices.Compact(channels), pattern
}

// commonBeginning returns what all filters with a wildcard begin with, and whether there are any.
func commonBeginning(types []string) (prefix string, wild bool) {
	for _, t := range types {
		literal, isWild := beginning(t)
		switch {
		case !isWild:
		case !wild:
			prefix, wild = literal, true
		default:
			for !strings.HasPrefix(literal, prefix) {
				prefix = prefix[:len(prefix)-1]
			}
		}
	}
	return prefix, wild
}

// beginning returns what stands before the first wildcard of a filter. No words at all may stand for #, and then there is no dot either.
func beginning(filter string) (literal string, wild bool) {
	at := strings.IndexAny(filter, "*#")
	if at < 0 {
		return filter, false
	}
	if filter[at] == '#' {
		return strings.TrimSuffix(filter[:at], "."), true
	}
	return filter[:at], true
}

// quoteGlob makes text mean itself in a pattern of Redis.
func quoteGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}

// subscriptions are the commands by which a reader subscribes, each with the number of answers.
func (c Config) subscriptions(spec driver.Spec) (commands [][]string) {
	channels, pattern := c.listensTo(spec.Topic, spec.Types)
	verb := "subscribe"
	if c.shards() {
		verb = "ssubscribe"
	}
	commands = append(commands, append([]string{verb}, channels...))
	if pattern != "" {
		commands = append(commands, []string{"psubscribe", pattern})
	}
	return commands
}
