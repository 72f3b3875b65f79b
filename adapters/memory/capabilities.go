package memory

import "github.com/herald-go/herald/pkg/driver"

// Capabilities implements driver.Driver. Levels are those of the broker that is played.
func (c *conn) Capabilities() driver.Capabilities {
	cfg := c.server.cfg
	caps := driver.Capabilities{
		Broker: "memory", Durability: driver.DurableMemory, MaxMessage: cfg.MaxMessage,
		Features: map[driver.Feature]driver.Capability{
			driver.FeatureGroups:       {Level: driver.Native, How: "a cursor per group"},
			driver.FeatureBroadcast:    {Level: driver.Native, How: "a reader of its own from now on"},
			driver.FeatureHistory:      {Level: driver.Native, How: "topics are logs"},
			driver.FeatureStart:        {Level: driver.Native, How: "topics are logs"},
			driver.FeatureReset:        {Level: driver.Native, How: "a group is a cursor"},
			driver.FeatureReplicaOrder: {Level: driver.Native, How: "partitions of a group, one owner each"},
			driver.FeatureDelay:        {Level: driver.Native, How: "joins the topic when due"},
			driver.FeatureInbox:        {Level: driver.Native, How: "a queue by due time"},
			driver.FeatureLog:          {Level: driver.Native, How: "topics are logs"},
			driver.FeatureKeep:         {Level: driver.Native, How: "topics are logs"},
			driver.FeatureLag:          {Level: driver.Native, How: "counted"},
			driver.FeatureIdempotent:   {Level: driver.Native, How: "nothing is sent twice"},
		},
	}
	if cfg.Like != "" {
		caps.Version = "like " + cfg.Like
	}
	switch cfg.Like {
	case LikeRabbitMQ:
		for _, f := range []driver.Feature{driver.FeatureHistory, driver.FeatureStart, driver.FeatureReset, driver.FeatureKeep} {
			caps.Features[f] = driver.Capability{Level: driver.Refused, How: "groups are queues: nothing is kept beside them"}
		}
		emulate(caps, driver.FeatureDelay, driver.FeatureInbox, driver.FeatureReplicaOrder, driver.FeatureLag)
		caps.Features[driver.FeatureIdempotent] = driver.Capability{Level: driver.Refused, How: "a second try may be stored twice"}
	case LikeKafka:
		emulate(caps, driver.FeatureDelay, driver.FeatureInbox)
	case LikeRedis:
		emulate(caps, driver.FeatureDelay, driver.FeatureInbox, driver.FeatureReplicaOrder)
		caps.Features[driver.FeatureIdempotent] = driver.Capability{Level: driver.Refused, How: "a second try may be stored twice"}
	}
	return caps
}

// emulate marks what the played broker has by Herald's means only.
func emulate(caps driver.Capabilities, features ...driver.Feature) {
	for _, f := range features {
		caps.Features[f] = driver.Capability{Level: driver.Emulated, How: caps.Features[f].How}
	}
}
