// Package redis exchanges stream entries between Herald and other clients of Redis: a plain go-redis program, Node's redis client, redis-cli.
package redis
