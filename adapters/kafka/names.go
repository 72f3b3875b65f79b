package kafka

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// derivedPrefix begins every name of driver.Name, and no user's.
const derivedPrefix = "herald.."

// topicName returns the Kafka topic of a Herald topic or of a derived name. Kafka refuses a topic whose name equals another's but for dots in
// the place of underscores, so a derived name with an underscore gets a mark made of the whole name: of two groups a.b and a_b both have
// their inbox. Names of users stand as they are. It is a wire format.
func topicName(name string) string {
	if !strings.HasPrefix(name, derivedPrefix) || !strings.Contains(name, "_") {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name + "..x" + hex.EncodeToString(sum[:8])
}

// groupID returns the id of a group's consumer group.
func groupID(topic, group string) string { return driver.Name(driver.KindGroup, topic, group) }

// groupPrefix begins the ids of all of a topic's groups.
func groupPrefix(topic string) string { return groupID(topic, "") }

// groupOf returns the group's name where id is one of the topic's groups.
func groupOf(topic, id string) (string, bool) {
	group, ok := strings.CutPrefix(id, groupPrefix(topic))
	return group, ok && driver.ValidName(group)
}

// tier is one of a group's inbox topics: what waits there waits for at most wait after it was written.
type tier struct {
	name string
	wait time.Duration
}

// tiers are a wire format. The first takes what is due at once. A delay beyond the last goes through it again and again.
var tiers = []tier{
	{"now", 0},
	{"10s", 10 * time.Second},
	{"1m", time.Minute},
	{"10m", 10 * time.Minute},
	{"1h", time.Hour},
	{"12h", 12 * time.Hour},
}

// tierFor returns the number of the tier for a delay: the shortest that is long enough.
func tierFor(delay time.Duration) int {
	for i, t := range tiers {
		if delay <= t.wait {
			return i
		}
	}
	return len(tiers) - 1
}

// inboxTopic returns the Kafka topic of one tier of a group's inbox.
func inboxTopic(topic, group string, tier int) string {
	return topicName(driver.Name(driver.KindInbox, topic, group, tiers[tier].name))
}

// inboxTopics returns the Kafka topics of a group's inbox, one for each tier.
func inboxTopics(topic, group string) []string {
	names := make([]string, len(tiers))
	for i := range tiers {
		names[i] = inboxTopic(topic, group, i)
	}
	return names
}

// deadOf returns the topic and group of a derived log, so that it can be partitioned as its source is.
func deadOf(name string) (topic, group string, ok bool) {
	for _, kind := range []driver.Kind{driver.KindDead, driver.KindRedrive} {
		rest, found := strings.CutPrefix(name, derivedPrefix+string(kind)+"..")
		if !found {
			continue
		}
		topic, group, ok = strings.Cut(rest, "..")
		return topic, group, ok
	}
	return "", "", false
}

// partitionOf returns the partition of a key among n: Kafka's own for keys, so that a key lies where any client would put it.
func partitionOf(key string, n int) int {
	return int(driver.Murmur2(key)&0x7fffffff) % n
}
