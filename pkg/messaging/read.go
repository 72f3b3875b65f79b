package messaging

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// Read reads a topic's history, with no group: it settles nothing and moves no position. It begins at from (the zero Start is the oldest
// event) and ends with the position to, or, when to is empty, with what is stored now. A message that claims to be an envelope and is a
// broken one, or whose data does not fit (see Checker), is yielded as an error, and reading goes on. Any other error ends it. A broker without history yields ErrUnsupported, and so
// does any broker when Config.MustRunOn names one without.
func (b *Broker) Read(ctx context.Context, topic string, from Start, to string) iter.Seq2[*Delivery, error] {
	return func(yield func(*Delivery, error) bool) {
		if err := b.need(driver.FeatureHistory); err != nil {
			yield(nil, b.wrap("read", topic, err))
			return
		}
		for m, err := range b.history(ctx, topic, driver.Start(from), to) {
			if err != nil {
				yield(nil, b.wrap("read", topic, err))
				return
			}
			d, err := b.past(ctx, topic, m)
			if !yield(d, b.wrap("read", topic, err)) {
				return
			}
		}
	}
}

func (b *Broker) past(ctx context.Context, topic string, m *driver.Message) (*Delivery, error) {
	d := &Delivery{Topic: topic, Attempt: 1, Position: m.Position}
	form, err := b.decode(&d.Event, m)
	if err != nil {
		return nil, err
	}
	d.Data = bytes.Clone(d.Data)
	if b.checker != nil {
		if err := b.checker.CheckReceive(ctx, topic, &d.Event); err != nil {
			return nil, err
		}
	}
	d.RandomID = form == envelope.FormForeignNoID
	d.Foreign = form == envelope.FormForeign || d.RandomID
	return d, nil
}

// history yields the messages of a topic; each is valid until the next.
func (b *Broker) history(ctx context.Context, topic string, from driver.Start, to string) iter.Seq2[*driver.Message, error] {
	return func(yield func(*driver.Message, error) bool) {
		h, ok := b.driver.(driver.History)
		if !ok {
			yield(nil, ErrUnsupported)
			return
		}
		r, err := h.Read(ctx, topic, from, to)
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has read all it wanted
		for {
			msgs, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, m := range msgs {
				if !yield(m, nil) {
					return
				}
			}
		}
	}
}
