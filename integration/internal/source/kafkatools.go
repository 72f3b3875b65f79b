package source

import "strings"

// kafkaTools are the classes behind Kafka's scripts, which not every image has.
var kafkaTools = map[string]string{
	"kafka-acls":                "org.apache.kafka.tools.AclCommand",
	"kafka-configs":             "kafka.admin.ConfigCommand",
	"kafka-console-consumer":    "org.apache.kafka.tools.consumer.ConsoleConsumer",
	"kafka-console-producer":    "org.apache.kafka.tools.ConsoleProducer",
	"kafka-consumer-groups":     "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	"kafka-delete-records":      "org.apache.kafka.tools.DeleteRecordsCommand",
	"kafka-features":            "org.apache.kafka.tools.FeatureCommand",
	"kafka-leader-election":     "org.apache.kafka.tools.LeaderElectionCommand",
	"kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
	"kafka-topics":              "org.apache.kafka.tools.TopicCommand",
}

// kafkaTool returns the command line for a tool of Kafka's, with or without path and ".sh", or for the class of one. Other programs are run as
// they are.
func kafkaTool(args []string, java, jars string) []string {
	name := strings.TrimSuffix(args[0][strings.LastIndexByte(args[0], '/')+1:], ".sh")
	class := kafkaTools[name]
	if class == "" && (strings.HasPrefix(args[0], "org.apache.kafka.") || strings.HasPrefix(args[0], "kafka.")) {
		class = args[0]
	}
	if class == "" {
		return args
	}
	return append([]string{java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", jars + "/*", class}, args[1:]...)
}
