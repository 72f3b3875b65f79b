package redis

import (
	"context"
	"net"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Hear reads what comes to a channel's subscriber until the connection fails, of which answers may take so long, and returns why it fails.
func Hear(ctx context.Context, c net.Conn, timeout time.Duration) (bodies []string, err error) {
	l := &listener{d: &Driver{cfg: Config{Timeout: timeout}.withDefaults()}, ctx: ctx, epoch: &epoch{source: driver.NewSource("channel")}}
	l.init(driver.Spec{Topic: "orders", Window: 10, WindowBytes: 1 << 20})
	err = l.hear(&feed{conn: c, within: timeout})
	for _, x := range l.ready {
		bodies = append(bodies, string(x.msg.Body))
	}
	return bodies, err
}
