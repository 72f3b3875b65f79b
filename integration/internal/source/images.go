package source

import (
	"os"
	"strconv"
	"strings"
)

// image says how a broker runs in a container of its official image.
type image struct {
	name   string
	port   int // inside the container
	inside string
	env    map[string]string
	cmd    []string
	files  map[string][]byte // by path
}

// The images, unless HERALD_TEST_<KIND>_IMAGE names another one.
var imageNames = map[string]string{
	RabbitMQ: "rabbitmq:4-management",
	Kafka:    "apache/kafka:4.1.0",
	Redis:    "redis:8",
	Valkey:   "valkey/valkey:8",
}

// filesInside is the folder of an order's files in a container.
const filesInside = "/herald"

// variable returns the name of a kind's environment variable, such as HERALD_TEST_REDIS_URL.
func variable(kind, what string) string { return "HERALD_TEST_" + strings.ToUpper(kind) + "_" + what }

// ImageOf returns the name of the image that a kind's containers are made of.
func ImageOf(kind string) string {
	if name := os.Getenv(variable(kind, "IMAGE")); name != "" {
		return name
	}
	return imageNames[kind]
}

// imageOf returns how the order runs in a container. Further ports have the same number inside as outside.
func imageOf(o *Order, port int, ports map[string]int) image {
	img := image{name: ImageOf(o.Kind), files: map[string][]byte{}}
	p := place{port: port, ports: ports, files: filesInside}
	for name, content := range o.Files {
		img.files[filesInside+"/"+name] = content
	}
	switch o.Kind {
	case RabbitMQ:
		img.port, img.inside = 5672, "localhost:5672"
		img.files["/etc/rabbitmq/conf.d/50-herald.conf"] = []byte(o.rabbitmqConf(p))
		img.env = map[string]string{"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": idleErlang}
	case Kafka:
		img.port, img.inside = 9092, "localhost:19092"
		img.env = kafkaEnv(o, p)
	default:
		img.port, img.inside = 6379, "localhost:6379"
		img.files["/etc/herald/redis.conf"] = []byte(o.redisConf(p))
		img.cmd = []string{serverProgram(o.Kind, img.name), "/etc/herald/redis.conf"}
	}
	return img
}

// serverProgram returns the server's name: an image of Valkey serves as Redis too.
func serverProgram(kind, name string) string {
	if kind == Valkey || strings.Contains(name, "valkey") {
		return "valkey-server"
	}
	return "redis-server"
}

// kafkaEnv returns the settings as the image wants them. Clients are sent to the pinned port; programs in the container have a listener of
// their own.
func kafkaEnv(o *Order, p place) map[string]string {
	p.data = "/tmp/kraft-combined-logs"
	env := map[string]string{"CLUSTER_ID": clusterID, "KAFKA_HEAP_OPTS": kafkaHeap}
	for _, s := range o.kafkaProperties(
		p,
		Setting{"listeners", "CONTROLLER://localhost:29093,INSIDE://localhost:19092,PLAINTEXT://:9092"},
		Setting{"advertised.listeners", "INSIDE://localhost:19092,PLAINTEXT://127.0.0.1:" + strconv.Itoa(p.port)},
		Setting{"listener.security.protocol.map", "CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT,PLAINTEXT:PLAINTEXT"},
		Setting{"inter.broker.listener.name", "INSIDE"},
		Setting{"controller.quorum.voters", "1@localhost:29093"},
	) {
		env[kafkaVariable(s.Key)] = s.Value
	}
	return env
}

// kafkaVariable names the variable of a setting, by the rule of the image: "." is "_", "_" is "__", "-" is "___".
func kafkaVariable(key string) string {
	return "KAFKA_" + strings.ToUpper(strings.NewReplacer(".", "_", "_", "__", "-", "___").Replace(key))
}

const (
	clusterID = "5L6g3nShT-eMCtK--X86sw"
	kafkaHeap = "-Xms512m -Xmx512m"
	// idleErlang lets idle schedulers sleep: tests share few cores.
	idleErlang = "+sbwt none +sbwtdcpu none +sbwtdio none"
)
