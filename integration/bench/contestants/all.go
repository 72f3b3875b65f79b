package contestants

import (
	"github.com/herald-go/herald/integration/bench/contest"
)

// All returns the contestants of a broker. Herald is the first.
func All(broker string) []contest.Contestant {
	switch broker {
	case "rabbitmq":
		return []contest.Contestant{
			herald{broker: broker}, amqpRaw{}, watermillAMQP{best: true}, watermillAMQP{}, cloudRabbit{}, perfTest{},
		}
	case "kafka":
		return []contest.Contestant{
			herald{broker: broker},
			heraldCalls{herald{broker: broker}},
			kafkaWriter{},
			kafkaWriter{tuned: true},
			kafkaProduce{},
			kafkaBatches{},
			franz{},
			watermillKafka{best: true},
			watermillKafka{},
			cloudKafka{},
			kafkaTools{},
		}
	case "redis":
		return []contest.Contestant{
			herald{broker: broker}, redisRaw{}, watermillRedis{best: true}, watermillRedis{}, redisBenchmark{},
		}
	default:
		return nil
	}
}

// Find returns a contestant by broker and name, or nil.
func Find(broker, name string) contest.Contestant {
	for _, c := range All(broker) {
		if c.Profile().Name == name {
			return c
		}
	}
	return nil
}

// HeraldName is the name of Herald's contestant on each broker.
const HeraldName = "Herald"
