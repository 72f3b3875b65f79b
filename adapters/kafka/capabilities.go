package kafka

import (
	"context"
	"maps"
	"strconv"

	"github.com/herald-go/herald/pkg/driver"
)

// features are the rows of the report: the same for every cluster.
func features() map[driver.Feature]driver.Capability {
	return map[driver.Feature]driver.Capability{
		driver.FeatureGroups:       {Level: driver.Native, How: "a consumer group; out-of-order acks in the commit's metadata"},
		driver.FeatureBroadcast:    {Level: driver.Native, How: "a reader from the end, without commits"},
		driver.FeatureHistory:      {Level: driver.Native, How: "topics are logs; partitions are merged by time"},
		driver.FeatureStart:        {Level: driver.Native, How: "offsets"},
		driver.FeatureReset:        {Level: driver.Native, How: "offsets"},
		driver.FeatureReplicaOrder: {Level: driver.Native, How: "partitions of the topic"},
		driver.FeatureDelay:        {Level: driver.Emulated, How: "each group moves it to its own delay topics"},
		driver.FeatureInbox:        {Level: driver.Emulated, How: "a topic for each delay tier of a group"},
		driver.FeatureLog:          {Level: driver.Native, How: "topics are logs"},
		driver.FeatureKeep:         {Level: driver.Native, How: "topics are logs"},
		driver.FeatureLag:          {Level: driver.Native, How: "offsets; records that nobody sees count too"},
		driver.FeatureIdempotent:   {Level: driver.Native, How: "producer id and sequences"},
	}
}

// Capabilities implements driver.Driver.
func (d *Driver) Capabilities() driver.Capabilities {
	caps := d.caps
	caps.Features = maps.Clone(caps.Features)
	return caps
}

// explore asks the cluster what it promises. Who may not ask gets the least.
func (d *Driver) explore(ctx context.Context) (driver.Capabilities, error) {
	caps := driver.Capabilities{
		Broker: "kafka", Durability: driver.DurableOS, Features: features(),
		MaxMessage: or(d.cfg.MaxMessage, stockMessage), MaxTopicMessage: stockRequest - produceRoom,
	}
	if len(d.cluster.nodes()) == 0 {
		return caps, nil
	}
	var values map[string]string
	err := retry(ctx, func() (err error) {
		nodes := d.cluster.nodes()
		values, err = d.admin.configs(ctx, ofBroker, strconv.Itoa(int(nodes[0])),
			"message.max.bytes", "default.replication.factor", "min.insync.replicas", "log.flush.interval.messages", "socket.request.max.bytes")
		if err != nil {
			_ = d.cluster.refresh(ctx) // that broker may have gone since: the next try is another one's
		}
		return err
	})
	if denied(err) {
		return caps, nil
	}
	if err != nil {
		return caps, err
	}
	number := func(name string) int {
		n, err := strconv.Atoi(values[name])
		if err != nil {
			return 0
		}
		return n
	}
	if n := number("message.max.bytes"); n > 0 {
		caps.MaxMessage, d.admin.most = or(d.cfg.MaxMessage, n), n
	}
	if n := number("socket.request.max.bytes"); n > produceRoom {
		caps.MaxTopicMessage = n - produceRoom
	}
	copies := or(d.cfg.Replication, number("default.replication.factor"))
	switch {
	case copies >= 2 && number("min.insync.replicas") >= 2:
		caps.Durability = driver.DurableReplicated
	case number("log.flush.interval.messages") == 1:
		caps.Durability = driver.DurableDisk
	}
	return caps, nil
}
