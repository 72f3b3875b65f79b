package chaos

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/history"
)

// linked returns how many connections the broker itself says that it has; the question's own, where it takes one, is among them. Kafka has no list:
// the kernel's is asked for those that come from outside of the broker's container, so that of a local process there are none.
func (r *run) linked(ctx context.Context) (int, error) {
	var command []string
	switch r.cfg.Broker {
	case brokers.RabbitMQ:
		command = []string{"rabbitmqctl", "-q", "list_connections", "--no-table-headers", "pid", "state"}
	case brokers.Kafka:
		command = []string{"cat", "/proc/net/tcp", "/proc/net/tcp6"}
	default:
		command = []string{"redis-cli", "CLIENT", "LIST"}
	}
	out, err := r.broker.Exec(ctx, command...)
	if err != nil {
		return 0, fmt.Errorf("%v: %w: %s", command, err, out)
	}
	if r.cfg.Broker == brokers.Kafka {
		return foreign(out), nil
	}
	return strings.Count(out, "\n"), nil
}

// established is the state of such a connection in the kernel's list.
const established = "01"

// foreign counts the established connections of a list of the kernel whose two ends have different addresses.
func foreign(list string) int {
	n := 0
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != established {
			continue
		}
		here, _, err := net.SplitHostPort(fields[1])
		there, _, wrong := net.SplitHostPort(fields[2])
		if err == nil && wrong == nil && here != there {
			n++
		}
	}
	return n
}

// unlinked waits until the broker has no more connections than it had, and notes what is left.
func (r *run) unlinked(ctx context.Context) error {
	now := 0
	for began := time.Now(); ; {
		var err error
		if now, err = r.linked(ctx); err != nil {
			return err
		}
		if now <= r.links || time.Since(began) > leaveTime {
			break
		}
		pause(ctx, 200*time.Millisecond)
	}
	r.say("the broker has %d connections, and had %d before", now, r.links)
	r.note(history.Op{Kind: history.Left, Note: "connections at the broker", Member: "all", Count: int64(max(now-r.links, 0))})
	return nil
}

// leaveTime is how long the broker may take to notice that its clients are gone.
const leaveTime = 10 * time.Second
