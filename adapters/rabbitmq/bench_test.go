package rabbitmq_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/pkg/driver"
)

// usual is a message as most are.
func usual() *driver.Message {
	return &driver.Message{
		ID: "01a1fe0c-f5d6-7940-987a-68c072501ab8", Type: "order.placed", Key: "customer-1", ContentType: "application/json", Slot: 1, Time: written,
		Headers: []driver.Header{{Key: "herald", Value: "1"}, {Key: "herald-source", Value: "shop"}}, Body: make([]byte, 200),
	}
}

// BenchmarkFrames is the work of writing a message, without the network.
func BenchmarkFrames(b *testing.B) {
	m := usual()
	b.ReportAllocs()
	for b.Loop() {
		rabbitmq.Frames("orders", "order.placed", 131072, m, 1)
	}
}

// BenchmarkDeliveries is the work of reading a message, from the network's bytes to the subscription.
func BenchmarkDeliveries(b *testing.B) {
	one := rabbitmq.Deliver(1, "ours", 1, "orders", "order.placed", usual())
	var many []byte
	for range 100 {
		many = append(many, one...)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n%100 == 0 {
			split := rabbitmq.NewSplit(&stream{data: many})
			if _, err := split.Read(make([]byte, 4096)); !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
		}
		n++
	}
}

// stream is a connection that brings these bytes and ends.
type stream struct {
	net.Conn
	data []byte
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	return n, nil
}
