package chaos

import (
	"context"
	"errors"
	"fmt"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
)

// Watermill is the Config.Client that plays the roles by Watermill's own adapters.
const Watermill = "watermill"

// client carries a role's events.
type client interface {
	publish(ctx context.Context, e envelope.Event) error
	// subscribe makes the process a member of the group; wait returns when handlers that outlive close have ended.
	subscribe(ctx context.Context) (wait func(), err error)
	close(ctx context.Context) error
}

// errTold marks an error of publishing that tells that the event is not stored.
var errTold = errors.New("not stored")

// carrier opens what carries the role's events.
func (w *worker) carrier(ctx context.Context, open Opener) (client, error) {
	switch w.role.Client {
	case "":
		broker, err := open(ctx, w.role, w.options()...)
		return &herald{w: w, broker: broker}, err
	case Watermill:
		return openWatermill(w)
	}
	return nil, fmt.Errorf("chaos: no client %q", w.role.Client)
}

// herald carries events by Herald.
type herald struct {
	w      *worker
	broker *messaging.Broker
}

func (h *herald) publish(ctx context.Context, e envelope.Event) error {
	err := h.broker.Publish(ctx, h.w.role.Topic, e)
	if err != nil && !errors.Is(err, messaging.ErrUnconfirmed) {
		return fmt.Errorf("%w: %w", errTold, err)
	}
	return err
}

func (h *herald) subscribe(ctx context.Context) (wait func(), err error) {
	handler, wait := h.w.handler()
	_, err = h.broker.Subscribe(ctx, h.w.role.Topic, handler, h.w.subscription()...)
	return wait, err
}

func (h *herald) close(ctx context.Context) error { return h.broker.Close(ctx) }

// For says whether a row can be injected where that client works, and why not.
func (row Row) For(client string) (why string) {
	if client == "" || !row.ours {
		return ""
	}
	return "it takes Herald's names, or what Herald makes again"
}

// victim is whom a row hurts. Where the client tells nothing of what it notices, each fault may have hurt everybody.
func (c Config) victim(whom string) string {
	if c.Client == "" {
		return whom
	}
	return ""
}

// settings make a broker's confirmations survive the death of its process. With everysec Redis answers before it has written to its file while
// the sync before takes long, two seconds at most: what it has answered then ends with the process.
func settings(kind brokers.Kind) []brokers.Option {
	if kind.Adapter() == string(brokers.Redis) {
		return []brokers.Option{brokers.Setting("appendfsync", "always")}
	}
	return nil
}
