package memory

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// Open opens a broker over a server of its own, as described by a URL:
//
//	memory://?like=rabbitmq&max_count=100000&max_bytes=104857600&max_age=24h&max_message=1000000
//
// All parameters are optional and mean what the Config's fields of these names mean; unknown ones are errors. Nothing is shared with other
// calls: to share a server between services of one process, use NewServer and OpenServer. ctx bounds opening only.
func Open(ctx context.Context, url string, opts ...messaging.Option) (*messaging.Broker, error) {
	cfg, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	server, err := NewServer(cfg)
	if err != nil {
		return nil, err
	}
	return OpenServer(ctx, server, opts...)
}

// OpenServer opens a broker over a server that others share, with a connection of its own. Closing the broker leaves the server's data
// alone. ctx bounds opening only.
func OpenServer(ctx context.Context, s *Server, opts ...messaging.Option) (*messaging.Broker, error) {
	return messaging.New(ctx, s.Connect(), opts...)
}
