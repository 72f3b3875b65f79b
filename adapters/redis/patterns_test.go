package redis_test

import (
	"slices"
	"testing"

	"github.com/herald-go/herald/adapters/redis"
)

// Each message is sent once to a reader: no channel stands there twice, and none that the pattern matches.
func TestFiltersAreChannels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode     string
		types    []string
		channels []string
		pattern  string
	}{
		{redis.ChannelsTopic, nil, []string{"orders"}, ""},
		{redis.ChannelsTopic, []string{"order.*"}, []string{"orders"}, ""},
		{redis.ChannelsType, nil, []string{"orders"}, "orders:*"},
		{redis.ChannelsType, []string{"order.placed"}, []string{"orders", "orders:", "orders:order.placed"}, ""},
		{redis.ChannelsType, []string{"order.*"}, []string{"orders", "orders:"}, "orders:order.*"},
		{redis.ChannelsType, []string{"order.#"}, []string{"orders", "orders:"}, "orders:order*"},
		{redis.ChannelsType, []string{"order.*", "order.placed", "paid"}, []string{"orders", "orders:", "orders:paid"}, "orders:order.*"},
		{redis.ChannelsType, []string{"order.*.eu", "order.line.#", "order.lost"}, []string{"orders", "orders:"}, "orders:order.*"},
		{redis.ChannelsType, []string{"order.*", "payment.*", "refund"}, []string{"orders"}, "orders:*"},
		{redis.ChannelsType, []string{"#"}, []string{"orders"}, "orders:*"},
		{redis.ChannelsType, []string{"a[1]?.*"}, []string{"orders", "orders:"}, `orders:a\[1\]\?.*`},
	} {
		channels, pattern := redis.ListensTo(c.mode, "orders", c.types)
		if !slices.Equal(channels, c.channels) || pattern != c.pattern {
			t.Errorf("%s, %q: %q and %q, want %q and %q", c.mode, c.types, channels, pattern, c.channels, c.pattern)
		}
	}
}
