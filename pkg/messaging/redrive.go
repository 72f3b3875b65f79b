package messaging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// typeRedrive is the event type of a record in the companion log of a group's dead letters.
const typeRedrive = "herald.redrive"

// record is what the companion log holds for one dead letter and one request. It is a wire format.
type record struct {
	Letter  string    `json:"letter"` // position in the log of dead letters
	Request string    `json:"request"`
	Action  string    `json:"action"`
	By      string    `json:"by,omitempty"`
	At      time.Time `json:"at"`
}

// Actions of a record.
const (
	actionRedriven  = "redriven"
	actionDiscarded = "discarded"
)

// DeadLetters yields the dead letters of a group, oldest first, those that were re-driven or discarded included. A group that never had one
// yields nothing.
func (b *Broker) DeadLetters(ctx context.Context, topic, group string) iter.Seq2[*DeadLetter, error] {
	return func(yield func(*DeadLetter, error) bool) {
		records, err := b.records(ctx, topic, group)
		if err != nil {
			yield(nil, b.wrap("dead letters", topic, err))
			return
		}
		for m, err := range b.history(ctx, driver.Name(driver.KindDead, topic, group), driver.Start{}, "") {
			if errors.Is(err, driver.ErrUnknownTopic) {
				return
			}
			if err != nil {
				yield(nil, b.wrap("dead letters", topic, err))
				return
			}
			if m.Type != TypeDead {
				continue
			}
			l := b.letter(m)
			if r, ok := records[l.At]; ok {
				l.Discarded, l.Redriven, l.requests = r.discarded, r.redriven, r.requests
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// past is what the companion log says of one letter.
type past struct {
	discarded bool
	redriven  string   // the last request that sent it back
	requests  []string // all that touched it
}

// records reads the companion log, by letter.
func (b *Broker) records(ctx context.Context, topic, group string) (map[string]past, error) {
	records := make(map[string]past)
	for m, err := range b.history(ctx, driver.Name(driver.KindRedrive, topic, group), driver.Start{}, "") {
		if errors.Is(err, driver.ErrUnknownTopic) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if m.Type != typeRedrive {
			continue
		}
		var r record
		if err := json.Unmarshal(m.Body, &r); err != nil || r.Letter == "" {
			return nil, fmt.Errorf("record %s of the companion log: %w", m.Position, errors.Join(err, envelope.ErrMalformed))
		}
		p := records[r.Letter]
		p.requests = append(p.requests, r.Request)
		p.discarded = r.Action == actionDiscarded
		if !p.discarded {
			p.redriven = r.Request
		}
		records[r.Letter] = p
	}
	return records, nil
}

// RedriveRequest says which dead letters go back.
type RedriveRequest struct {
	// ID names the request: a letter goes back once per id, however often the request is made. Defaults to a new one.
	ID string
	// Select picks letters. Defaults to all that were neither re-driven nor discarded yet.
	Select func(*DeadLetter) bool
	// Limit is the most letters that the request sends, over all the times that it is made; 0 is all.
	Limit int
	// By is who asks, for the record.
	By string
	// Discard gives the letters up for good instead of sending them back.
	Discard bool
}

// RedriveReport says what a request did.
type RedriveReport struct {
	// ID is the request's id.
	ID string
	// Sent is how many letters went back (or were discarded), Skipped how many it had done before.
	Sent, Skipped int
}

// Redrive sends dead letters back to their group alone, through its inbox, with their attempts forgotten. They stand outside the order of
// their keys, and Delivery.Redrive tells them. Each copy is confirmed, then recorded
// in a companion log; a crash in between sends that one letter again when the request is repeated with its ID, under the same event id. It
// stops at the first error, and the report says how far it came.
func (b *Broker) Redrive(ctx context.Context, topic, group string, req RedriveRequest) (RedriveReport, error) {
	if req.ID == "" {
		req.ID = envelope.NewID()
	}
	report := RedriveReport{ID: req.ID}
	for l, err := range b.DeadLetters(ctx, topic, group) {
		if err != nil {
			return report, b.wrap("redrive", topic, err)
		}
		if req.Limit > 0 && report.Sent+report.Skipped >= req.Limit {
			break
		}
		if slices.Contains(l.requests, req.ID) {
			report.Skipped++
			continue
		}
		if l.Discarded || req.Select == nil && l.Redriven != "" || req.Select != nil && !req.Select(l) {
			continue
		}
		if err := b.sendBack(ctx, topic, group, l, &req); err != nil {
			return report, b.wrap("redrive", topic, fmt.Errorf("letter %s: %w", l.At, err))
		}
		report.Sent++
	}
	return report, nil
}

// sendBack stores the copy, then the record of it.
func (b *Broker) sendBack(ctx context.Context, topic, group string, l *DeadLetter, req *RedriveRequest) error {
	r := record{Letter: l.At, Request: req.ID, Action: actionRedriven, By: req.By, At: b.clock().UTC()}
	if req.Discard {
		r.Action = actionDiscarded
	} else {
		m := original(l.stored)
		it := item{redrive: req.ID, origin: l.Position}
		m.Headers = it.record(withoutBookkeeping(m.Headers))
		if err := b.store(ctx, driver.Address{Topic: topic, Group: group}, m); err != nil {
			return err
		}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	log := driver.Address{Topic: driver.Name(driver.KindRedrive, topic, group), Log: true, Unrouted: driver.Keep}
	return b.store(ctx, log, &driver.Message{
		ID: envelope.DeriveID(req.ID, l.At), Type: typeRedrive, ContentType: contentTypeJSON, Time: r.At, Body: body,
		Headers: []driver.Header{{Key: envelope.HeaderMark, Value: envelope.Mark}},
	})
}

// store sends one message and waits for its fate, within ctx or Config.PublishTimeout.
func (b *Broker) store(ctx context.Context, to driver.Address, m *driver.Message) error {
	c := makeCall()
	headers := m.Headers
	*c.add() = *m
	c.msgs[0].Headers = headers
	c.ids = append(c.ids, m.ID)
	c.fail(0, nil)
	c.sendable()
	c.ctx.begin(ctx, b.config.PublishTimeout)
	defer c.ctx.end()
	b.driverPublisher.Send(&c.ctx, to, c.send, c)
	if why := c.wait(); why != nil {
		c.withdraw(why)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errs[0]
}
