package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
)

var errMoved = errors.New("the channel has moved to another node")

// tune subscribes to the channel, and returns when the server has said so.
func (l *listener) tune(ctx context.Context) (*feed, error) {
	f, err := l.client.feed(ctx, l.d.cfg, l.spec.Topic)
	if err != nil {
		l.client.learn(ctx, err)
		return nil, err
	}
	defer context.AfterFunc(ctx, f.close)()
	for _, command := range l.d.cfg.subscriptions(l.spec) {
		if err = f.subscribe(command...); err != nil {
			break
		}
	}
	if err != nil {
		f.close()
		l.client.learn(ctx, err)
		return nil, err
	}
	return f, nil
}

// subscribe sends a command and reads an answer for each channel. Messages that come between are lost: the subscription has not begun.
func (f *feed) subscribe(command ...string) error {
	if err := f.send(command...); err != nil {
		return err
	}
	for answers := len(command) - 1; answers > 0; {
		raw, err := f.next(f.within)
		if err == nil {
			err = asError(raw)
		}
		if err != nil {
			return err
		}
		kind, payload, err := pushed(raw)
		switch {
		case err != nil:
			return err
		case string(kind) == command[0]:
			answers--
		case payload == nil:
			return fmt.Errorf("the answer to a subscription is %.20q", raw)
		}
	}
	return nil
}

// hear takes messages in until the connection fails. After a silence it asks whether the server is there, which has Config.Timeout to answer
// as for anything else: one that is busy for a while keeps what it has for the reader, and whoever hangs up loses that. A peer that is dead, and
// of which the network does not tell, costs both: what is published in that time does not come.
func (l *listener) hear(f *feed) error {
	within, asked := silence, false
	for l.ctx.Err() == nil {
		raw, err := f.next(within)
		var timeout net.Error
		switch {
		case err == nil:
			within, asked = silence, false
		case errors.As(err, &timeout) && timeout.Timeout() && !asked:
			l.report(true)
			f.relax()
			within, asked = f.within, true
			if err := f.send("ping"); err != nil {
				return err
			}
			continue
		default:
			return err
		}
		kind, payload, err := pushed(raw)
		switch {
		case err != nil:
			return err
		case payload != nil:
			l.take(payload)
		case string(kind) == "sunsubscribe": // the slot has moved to another node
			return errMoved
		}
	}
	return context.Cause(l.ctx)
}

// pushed reads what a channel brings: its kind, and what a message carries.
func pushed(raw []byte) (kind, payload []byte, err error) {
	r := parser{raw: raw}
	n := r.list()
	kind = r.bytes(r.text())
	if n >= 3 && bytes.HasSuffix(kind, []byte("message")) { // message, smessage, and pmessage, which tells its pattern first
		for range n - 2 {
			r.text()
		}
		payload = r.bytes(r.text())
	}
	return kind, payload, r.err
}
