package source

import (
	"fmt"
	"strconv"
	"strings"
)

// place is where an order is carried out: what a broker's settings are made of.
type place struct {
	port  int            // that clients dial
	ports map[string]int // the order's further ones
	files string         // the folder of the order's files, as the broker sees it
	data  string         // the folder of its data, as the broker sees it
}

// settings returns the order's settings with their placeholders filled in.
func (o *Order) settings(p place) []Setting {
	pairs := []string{"{files}", p.files, "{port}", strconv.Itoa(p.port)}
	for name, port := range p.ports {
		pairs = append(pairs, "{port:"+name+"}", strconv.Itoa(port))
	}
	fill := strings.NewReplacer(pairs...)
	settings := make([]Setting, 0, len(o.Settings))
	for _, s := range o.Settings {
		settings = append(settings, Setting{s.Key, fill.Replace(s.Value)})
	}
	return settings
}

// with returns the defaults, each replaced by the setting of the same key where there is one, and then the other settings.
func with(defaults, settings []Setting) []Setting {
	var all []Setting
	replaced := map[string]bool{}
	for _, s := range settings {
		replaced[s.Key] = true
	}
	for _, s := range defaults {
		if !replaced[s.Key] {
			all = append(all, s)
		}
	}
	return append(all, settings...)
}

// lines renders settings, one on a line, with a separator between key and value.
func lines(settings []Setting, separator string) string {
	var b strings.Builder
	for _, s := range settings {
		fmt.Fprintf(&b, "%s%s%s\n", s.Key, separator, s.Value)
	}
	return b.String()
}

// The user of RabbitMQ. The password is one that can be searched for in what programs print.
const user, password = "herald", "canary-4f1d0c"

// rabbitmqConf returns rabbitmq.conf.
func (o *Order) rabbitmqConf(p place) string {
	return lines(with([]Setting{
		{"default_user", user},
		{"default_pass", password},
		{"disk_free_limit.absolute", "50MB"}, // the default is 50 MB too, but images differ
		{"raft.wal_max_size_bytes", "67108864"},
	}, o.settings(p)), " = ")
}

// redisConf returns redis.conf. What is answered must outlive the process: the append-only file is written before the answer.
func (o *Order) redisConf(p place, own ...Setting) string {
	defaults := append([]Setting{
		{"appendonly", "yes"},
		{"save", `""`},
		{"protected-mode", "no"}, // it is published on loopback alone
	}, own...)
	return lines(with(defaults, o.settings(p)), " ")
}

// kafkaProperties returns the settings that hold wherever Kafka runs; own adds its addresses.
func (o *Order) kafkaProperties(p place, own ...Setting) []Setting {
	defaults := append([]Setting{
		{"node.id", "1"},
		{"process.roles", "broker,controller"},
		{"controller.listener.names", "CONTROLLER"},
		{"offsets.topic.replication.factor", "1"},
		{"offsets.topic.num.partitions", "5"}, // 50 take seconds to make on a small machine
		{"transaction.state.log.replication.factor", "1"},
		{"transaction.state.log.min.isr", "1"},
		{"transaction.state.log.num.partitions", "5"},
		{"share.coordinator.state.topic.replication.factor", "1"},
		{"share.coordinator.state.topic.min.isr", "1"},
		{"group.initial.rebalance.delay.ms", "0"},
		{"log.dirs", p.data},
	}, own...)
	return with(defaults, o.settings(p))
}

// urlOf returns the URL that Herald opens a broker of a kind by.
func urlOf(kind, addr string) string {
	switch kind {
	case RabbitMQ:
		return "amqp://" + user + ":" + password + "@" + addr + "/"
	case Kafka:
		return "kafka://" + addr
	default:
		return "redis://" + addr
	}
}
