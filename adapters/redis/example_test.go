package redis_test

import (
	"fmt"

	"github.com/herald-go/herald/adapters/redis"
)

// A URL names the server and how it is used. Errors never repeat what stands before the @.
func ExampleParseURL() {
	cfg, err := redis.ParseURL("rediss://billing:secret@cache-1,cache-2:6380/?durability=replicas:1&history=720h")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.Addresses, cfg.Durability, cfg.History, cfg.TLS != nil)

	_, err = redis.ParseURL("redis://billing:secret@cache-1?durability=surely")
	fmt.Println(err)
	// Output:
	// [cache-1:6379 cache-2:6380] replicas:1 720h0m0s true
	// redis: durability is "surely", want reply, aof or replicas:n with n from 1
}
