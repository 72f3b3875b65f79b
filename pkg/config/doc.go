// Package config reads how a program uses its broker from YAML files and the environment.
//
//	cfg, err := config.Load("herald.yaml")
//	...
//	broker, err := adapters.Open(ctx, cfg.URL(), cfg.Options()...)
//	...
//	_, err = broker.Subscribe(ctx, "orders", handler, cfg.Subscription("orders", "billing")...)
//
// The same file serves every environment; the broker is one line of it:
//
//	service: billing
//	broker: ${BROKER} # memory:// for development, amqp://, kafka:// or redis:// elsewhere
//	topics:
//	  orders: {partitions: 12, history: 720h, groups: [billing, audit]}
//	groups:
//	  billing:
//	    orders: {concurrency: 32, retry: {quick: [0s, 100ms], later: [10s, 1m, 10m]}}
//
// # Layers
//
// For each key the last of these counts: the default, the program's own text (Loader.Code), the files in their order, the environment. Maps
// are merged key by key, at every level; lists and single values are replaced. A variable's name is the key in capitals after HERALD_, with
// two underscores between levels: HERALD_PUBLISH_TIMEOUT, HERALD_KAFKA__TLS__CA_FILE, HERALD_TOPICS__ORDERS__PARTITIONS. In the names of
// topics and groups, dots and dashes become underscores; only topics and groups that a file names can be meant, and a variable that could
// mean two is an error. Lists are separated by commas.
//
// # Values
//
// ${NAME} in a value of a file stands for an environment variable, which must be set, and ${NAME:-default} for the default when it is unset
// or empty. $${ is a literal ${. Times are written as Go writes them: 500ms, 30s, 1h30m.
//
// # Errors
//
// Unknown keys, keys given twice, values of another type and all else that is wrong are told at once, one line each, with file and line,
// and with what was expected. Keys that begin with x- are ignored at any level.
//
// # Secrets
//
// A password stands in a file of its own, which password_file names; it is read when the broker in use is the one of that section. No
// secret is in an error, in Config.String or in what fmt prints of any value of this package; Config.URL and Secret.Reveal alone have it.
package config
