package rabbitmq

import (
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// Capabilities implements driver.Driver.
func (d *Driver) Capabilities() driver.Capabilities {
	return driver.Capabilities{
		Broker: "rabbitmq", Version: d.server(),
		// A quorum queue of one node, too, confirms what is synced. AMQP does not tell of how many nodes a cluster is made. Streams promise less,
		// as the features that use them say: one node that loses its power may forget the newest dead letters.
		Durability: driver.DurableDisk, MaxMessage: d.maxMessage(), HoldLimit: d.cfg.HoldLimit, Features: d.features(),
	}
}

// unsynced is what a confirm of a stream means; see https://www.rabbitmq.com/docs/streams#data-safety.
const unsynced = "confirmed once a majority of its nodes has it, which is before any of them has synced it to its disk"

func (d *Driver) features() map[driver.Feature]driver.Capability {
	noLog := driver.Capability{Level: driver.Refused, How: "groups are queues: nothing is kept beside them"}
	history := driver.Capability{Level: driver.Refused, How: "queues are no logs; history= keeps a stream of each topic, for Read alone"}
	if d.cfg.History > 0 {
		history = driver.Capability{Level: driver.Native, How: "a stream bound to the topic; " + unsynced}
	}
	return map[driver.Feature]driver.Capability{
		driver.FeatureGroups:       {Level: driver.Native, How: "a durable queue bound to the topic's exchange"},
		driver.FeatureBroadcast:    {Level: driver.Native, How: "an exclusive queue"},
		driver.FeatureHistory:      history,
		driver.FeatureStart:        noLog,
		driver.FeatureReset:        noLog,
		driver.FeatureKeep:         noLog,
		driver.FeatureReplicaOrder: {Level: driver.Emulated, How: "queues by slot with a single active consumer each"},
		driver.FeatureDelay:        {Level: driver.Emulated, How: "queues with a time to live of 1 s, 2 s, 4 s and so on, up to 49 days; rounded up to seconds"},
		driver.FeatureInbox:        {Level: driver.Emulated, How: "the group's queue, and a ladder of queues with a time to live"},
		driver.FeatureLog:          {Level: driver.Native, How: "a stream; " + unsynced},
		driver.FeatureLag:          {Level: driver.Emulated, How: "the queue tells what is ready, and members what they hold; the age is that of the oldest in hand"},
		driver.FeatureIdempotent:   {Level: driver.Refused, How: "a second try may be stored twice; the driver makes none"},
	}
}

// server is the server's version; empty until it is known.
func (d *Driver) server() string {
	version, _ := d.version.Load().(string)
	return version
}

// maxMessage is the broker's limit for a body.
func (d *Driver) maxMessage() int { return d.cfg.largest(d.server()) }

// largest is the limit for a body of a server of that version.
func (c *Config) largest(version string) int {
	if c.MaxMessage > 0 {
		return c.MaxMessage
	}
	if major(version) >= 4 {
		return 16 << 20
	}
	return 128 << 20
}

// versionOf is what the server of a connection says of itself.
func versionOf(conn *amqp.Connection) string {
	version, _ := conn.Properties["version"].(string)
	return version
}

// major is the first number of a version; 0 when there is none.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(first)
	return n
}
