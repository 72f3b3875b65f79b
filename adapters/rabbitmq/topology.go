package rabbitmq

import (
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// Kinds of derived name beside those of package driver. They are a wire format.
const (
	kindGroups   driver.Kind = "groups"   // an exchange that exists while the topic has a group
	kindSlots    driver.Kind = "slots"    // the exchange in front of a group's partitions
	kindRest     driver.Kind = "rest"     // where messages without a slot go; its name holds the number of partitions
	kindMembers  driver.Kind = "members"  // counts the members of a group with partitions
	kindAsk      driver.Kind = "ask"      // reaches the members of a group
	kindReaders  driver.Kind = "readers"  // the exchange of the topic's broadcast readers
	kindReader   driver.Kind = "reader"   // a broadcast reader's queue
	kindLog      driver.Kind = "log"      // the stream of a log, or of a topic's history
	kindRegistry driver.Kind = "registry" // the stream of the groups that a topic has had
)

// Names that belong to no topic.
const (
	// sinkName is an exchange and its queue of length 0: what nobody wants is taken and dropped there.
	sinkName = "herald..sink"
	// dueName is the exchange in which a delay ends.
	dueName = "herald..delay..due"
	// noKey binds a group's queue to the exchange of the topic's groups: no message has it.
	noKey = "herald group"
)

func groupsExchange(topic string) string       { return driver.Name(kindGroups, topic, "") }
func readersExchange(topic string) string      { return driver.Name(kindReaders, topic, "") }
func groupQueue(topic, group string) string    { return driver.Name(driver.KindGroup, topic, group) }
func slotsExchange(topic, group string) string { return driver.Name(kindSlots, topic, group) }
func membersQueue(topic, group string) string  { return driver.Name(kindMembers, topic, group) }
func askExchange(topic, group string) string   { return driver.Name(kindAsk, topic, group) }
func registryStream(topic string) string       { return driver.Name(kindRegistry, topic, "") }

func partitionQueue(topic, group string, p int) string {
	return driver.Name(driver.KindGroup, topic, group, strconv.Itoa(p))
}

func restExchange(topic, group string, n int) string {
	return driver.Name(kindRest, topic, group, strconv.Itoa(n))
}

// logStream is the stream of a log. Derived names stand for themselves.
func logStream(topic string) string {
	if driver.ValidName(topic) {
		return driver.Name(kindLog, topic, "")
	}
	return topic
}

// partitionOf spreads the slots over n partitions in runs.
func partitionOf(slot, n int) int { return slot * n / driver.Slots }

// deliveryLimit is the largest that every version takes for what it says: -1 loses messages on 3.10 and order on 4.0, and no limit means 20
// from 4.0 on.
const deliveryLimit = int64(2147483647)

// queueArgs are the fixed arguments of a group's queue. A change takes a new name.
func queueArgs(kind string) amqp.Table {
	if kind == QueueClassic {
		return amqp.Table{"x-queue-type": "classic"}
	}
	return amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": deliveryLimit}
}

// partitionArgs are those of one partition of a group.
func partitionArgs(kind string) amqp.Table {
	args := queueArgs(kind)
	args["x-single-active-consumer"] = true
	return args
}

// waitingArgs are those of a queue in which messages wait: what is due leaves it only once the next place has it. Such a queue is always a
// quorum queue, since classic ones forget a message before the next place has it.
func waitingArgs(wait time.Duration, exchange string) amqp.Table {
	args := queueArgs(QueueQuorum)
	args["x-dead-letter-exchange"] = exchange
	args["x-dead-letter-strategy"] = "at-least-once"
	args["x-overflow"] = "reject-publish"
	args["x-message-ttl"] = wait.Milliseconds()
	return args
}

// streamArgs are those of a log, or of a history with an age.
func streamArgs(age time.Duration) amqp.Table {
	args := amqp.Table{"x-queue-type": "stream"}
	if age > 0 {
		args["x-max-age"] = strconv.FormatInt(int64(age.Seconds()), 10) + "s"
	}
	return args
}

// sinkArgs are those of the queue that drops what it gets.
func sinkArgs() amqp.Table { return amqp.Table{"x-queue-type": "classic", "x-max-length": int32(0)} }

// membersArgs are those of the queue that only counts its consumers.
func membersArgs() amqp.Table { return amqp.Table{"x-queue-type": "classic", "x-max-length": int32(0)} }

func alternate(exchange string) amqp.Table { return amqp.Table{"alternate-exchange": exchange} }

// tier is one step of a group's ladder: messages that wait for at most as long. Each message waits by its own time; one that stands behind
// another waits for that one too, but never longer than the tier's.
type tier struct {
	name string
	most time.Duration
}

// ladder is fixed: queues that exist can't change.
var ladder = [...]tier{
	{"5s", 5 * time.Second},
	{"30s", 30 * time.Second},
	{"3m", 3 * time.Minute},
	{"30m", 30 * time.Minute},
	{"49d", maxWait},
}

// maxWait is the longest delay: timers of Erlang, and so of RabbitMQ, hold 2^32-1 milliseconds.
const maxWait = 49 * 24 * time.Hour

func tierQueue(topic, group string, t tier) string {
	return driver.Name(driver.KindLater, topic, group, t.name)
}

// tierFor returns the first step that lasts long enough.
func tierFor(wait time.Duration) tier {
	for _, t := range ladder {
		if wait <= t.most {
			return t
		}
	}
	return ladder[len(ladder)-1]
}

// tierArgs are those of a step that leads back to a group: by name to its queue, or to the exchange in front of its partitions.
func tierArgs(t tier, topic, group string, partitions int) amqp.Table {
	if partitions > 0 {
		return waitingArgs(t.most, slotsExchange(topic, group))
	}
	args := waitingArgs(t.most, "")
	args["x-dead-letter-routing-key"] = groupQueue(topic, group)
	return args
}
