// Package source runs real brokers for tests: in Docker, or as processes of this machine.
package source

import (
	"context"
	"errors"
)

// Kinds of brokers.
const (
	RabbitMQ = "rabbitmq"
	Kafka    = "kafka"
	Redis    = "redis"
	Valkey   = "valkey"
)

// Kinds are all of them.
var Kinds = []string{RabbitMQ, Kafka, Redis, Valkey}

// Origins of brokers.
const (
	Given  = "given"  // by a URL, and not ours to hurt
	Docker = "docker" // a container
	Local  = "local"  // processes of this machine
)

// Order says which broker is wanted. Settings, Files and Ports are for brokers that one test has for itself.
type Order struct {
	Kind string
	// Given lets a broker that is given by URL serve, where there is one.
	Given bool
	// Origin is Docker or Local, or empty for the first that works.
	Origin string
	// Settings are lines of rabbitmq.conf, of Kafka's server.properties, or of redis.conf. In their values {files} stands for the folder of
	// Files, {port} for the port that clients dial, and {port:NAME} for a port of Ports.
	Settings []Setting
	// Files are put where the broker can read them, by name.
	Files map[string][]byte
	// Ports are names of further ports that the broker is going to listen on.
	Ports []string
}

// Setting is one key with its value.
type Setting struct{ Key, Value string }

// Broker is one that runs.
type Broker struct {
	// ID names it among the supervisor's.
	ID   string
	Kind string
	// URL opens it, user and password included.
	URL string
	// Addr is its host and port for clients, Inside for programs that Exec runs.
	Addr, Inside string
	// Ports are the addresses of the order's further ports, by name.
	Ports map[string]string
	// Version is the server's own word.
	Version string
	Origin  string
}

// Machine runs one broker, whose address and data outlive each of its processes.
type Machine interface {
	// Start starts the broker; it need not serve yet when Start returns.
	Start(ctx context.Context) error
	// Stop ends it in good order. Its processes must have ended when it returns.
	Stop(ctx context.Context) error
	// Kill ends it at once. Its processes must have ended when it returns.
	Kill(ctx context.Context) error
	// Pause stops its processes where they are.
	Pause(ctx context.Context) error
	// Resume lets them go on.
	Resume(ctx context.Context) error
	// Exec runs a program that comes with the broker, and returns what it prints.
	Exec(ctx context.Context, args []string) (string, error)
	// Logs returns the end of what the broker has written.
	Logs(ctx context.Context) string
	// Running reports whether the broker's process is there.
	Running(ctx context.Context) bool
	// Remove ends it and removes its data.
	Remove(ctx context.Context) error
}

// ErrAbsent marks a source that can't give a broker here. It wraps why.
var ErrAbsent = errors.New("not here")
