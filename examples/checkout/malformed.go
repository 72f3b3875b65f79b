package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// fault is what an old checkout does to the data of an order that it publishes. The order itself is a real one of the file: when the demo is
// over, every group must have handled it all the same.
type fault uint8

// Faults, in the order in which malformed meets them.
const (
	sound          fault = iota
	currencySign         // "amount": "$29.33"
	amountAsNumber       // "amount": 29.33
	itemsAsText          // "items": "2"
	truncated            // the last byte is lost: the document never ends
	negativeItems        // "items": -2; it decodes, and still makes no sense
	faults
)

// faultOf spreads one fault of each kind evenly over n orders; i is the order's index.
func faultOf(i, n int) fault {
	for f := currencySign; f < faults; f++ {
		if i == int(f)*n/int(faults) {
			return f
		}
	}
	return sound
}

// malformed returns the order's event as the old checkout publishes it: raw bytes under the right id, type and key. The broker doesn't look
// into data, so it takes them; who can't read them is each group's own matter.
func malformed(o *Order, f fault) envelope.Event {
	e := o.placed()
	amount := fmt.Sprintf(`"amount":%q`, o.Amount.decimal())
	items := fmt.Sprintf(`"items":%d`, o.Items)
	switch f {
	case currencySign:
		e.Data = replace(e.Data, amount, `"amount":"$`+o.Amount.decimal()+`"`)
	case amountAsNumber:
		e.Data = replace(e.Data, amount, `"amount":`+o.Amount.decimal())
	case itemsAsText:
		e.Data = replace(e.Data, items, fmt.Sprintf(`"items":"%d"`, o.Items))
	case truncated:
		e.Data = bytes.TrimSuffix(e.Data, []byte("}"))
	case negativeItems:
		e.Data = replace(e.Data, items, fmt.Sprintf(`"items":%d`, -o.Items))
	default:
	}
	return e
}

func replace(data []byte, from, to string) []byte {
	return bytes.Replace(data, []byte(from), []byte(to), 1)
}

// orderHandler is what a group does with an order.
type orderHandler = func(context.Context, messaging.Typed[Order]) error

// strict binds a handler to order.placed as it was agreed on. Data that doesn't decode never reaches the handler: it becomes a dead letter at
// once, with the reason "decode". What decodes and makes no sense is Permanent for the same reason: no retry mends it.
func strict(handle orderHandler) messaging.Binding {
	return messaging.On(OrderPlaced, func(ctx context.Context, e messaging.Typed[Order]) error {
		if err := e.Value.check(); err != nil {
			return messaging.Permanent(err)
		}
		return handle(ctx, e)
	})
}

// mended is strict after the fix: it also reads what the old checkout wrote.
func mended(handle orderHandler) messaging.Binding {
	return messaging.OnType(OrderPlaced.Type(), messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		o, err := mend(d.Data)
		if err != nil {
			return messaging.Permanent(err)
		}
		return handle(ctx, messaging.Typed[Order]{Delivery: d, Value: o})
	}))
}

// mend reads an order whatever known fault its writer has.
func mend(data []byte) (Order, error) {
	var o Order
	if err := json.Unmarshal(data, &o); err == nil && o.check() == nil {
		return o, nil
	}
	if !json.Valid(data) {
		data = append(slices.Clone(data), '}')
	}
	// The shadowing fields take the raw text of what may have the wrong type.
	var draft struct {
		Order
		Items  json.RawMessage `json:"items"`
		Amount json.RawMessage `json:"amount"`
	}
	if err := json.Unmarshal(data, &draft); err != nil {
		return o, err
	}
	o = draft.Order
	var wrongItems, wrongAmount error
	o.Items, wrongItems = strconv.Atoi(strings.Trim(string(draft.Items), `"-`))
	o.Amount, wrongAmount = ParseCents(strings.Trim(string(draft.Amount), `"$`))
	return o, errors.Join(wrongItems, wrongAmount, o.check())
}
