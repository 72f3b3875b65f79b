package catalog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/herald-go/herald/pkg/config"
)

// server is one address of a broker, without what is nobody's business.
type server struct {
	id, host, path, protocol, broker string
}

// protocols are AsyncAPI's names of protocols (its "Server Object"), and Herald's of brokers, by URL scheme.
var protocols = map[string][2]string{
	"amqp": {"amqp", "rabbitmq"}, "amqps": {"amqps", "rabbitmq"}, "kafka": {"kafka", "kafka"}, "kafkas": {"kafka-secure", "kafka"},
	"redis": {"redis", "redis"}, "rediss": {"rediss", "redis"}, "memory": {"memory", "memory"},
}

// servers returns the addresses that the configurations name, each once.
func servers(configs []*config.Config) []server {
	var out []server
	for _, cfg := range configs {
		for _, s := range parseServers(cfg.URL()) {
			if !slices.ContainsFunc(out, func(o server) bool { return o.host == s.host && o.path == s.path && o.protocol == s.protocol }) {
				out = append(out, s)
			}
		}
	}
	count := make(map[string]int)
	for i := range out {
		count[out[i].broker]++
		out[i].id = out[i].broker
		if n := count[out[i].broker]; n > 1 {
			out[i].id += "-" + strconv.Itoa(n)
		}
	}
	return out
}

// parseServers takes a broker's URL apart, which may name several hosts, and keeps neither user nor parameters.
func parseServers(url string) []server {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return nil
	}
	at := strings.LastIndexByte(rest, '@')
	if strings.ContainsAny(rest[:at+1], "?#") {
		rest = "" // a password that should have been escaped, or a parameter with an @: neither may be shown
	} else {
		rest = rest[at+1:]
	}
	rest = rest[:indexOr(rest, "?#")]
	authority := rest[:indexOr(rest, "/")]
	path := rest[len(authority):]
	kind, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	names, ok := protocols[kind]
	if !ok {
		names = [2]string{kind, kind}
	}
	var out []server
	for host := range strings.SplitSeq(authority, ",") {
		if host == "" {
			host = names[1]
		}
		s := server{host: host, protocol: names[0], broker: names[1]}
		if path != "/" {
			s.path = path
		}
		out = append(out, s)
	}
	return out
}

func indexOr(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}
