package main

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/herald-go/herald/adapters"
	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/pkg/messaging"
)

// openBroker opens the broker that the URL's scheme names. Nothing else in this program depends on which one it is. The service's name is
// written into every event as its source.
func openBroker(ctx context.Context, url string, hooks messaging.Hooks) (*messaging.Broker, error) {
	return adapters.Open(ctx, url, messaging.WithService("checkout"), messaging.WithHooks(hooks))
}

// topics are the names of the run's topics. suffix is what they all end with.
type topics struct{ orders, rejections, sample, suffix string }

// nameTopics names the topics. On a broker that outlives the program they get a suffix, or one run would find the orders of the one before.
func nameTopics(url string) topics {
	suffix := ""
	if !strings.HasPrefix(strings.ToLower(url), memory.Scheme+":") {
		suffix = "-" + strings.ToLower(rand.Text()[:8])
	}
	return topics{orders: "orders" + suffix, rejections: "rejections" + suffix, sample: "sample" + suffix, suffix: suffix}
}
