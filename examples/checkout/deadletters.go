package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/herald-go/herald/pkg/messaging"
)

// cause is why an event is dead.
type cause struct{ event, reason, text string }

// grave is one event that is a dead letter in one or more groups, for the same cause.
type grave struct {
	cause
	groups []string
}

// graves lists what the groups could not handle. Groups of different code may fail differently over one event, so each reason is listed.
func graves(ctx context.Context, b *messaging.Broker, members []*member) ([]*grave, error) {
	var list []*grave
	known := make(map[cause]*grave)
	for _, m := range members {
		for l, err := range b.DeadLetters(ctx, m.topic, m.group) {
			if err != nil {
				return nil, err
			}
			if l.Redriven != "" {
				continue
			}
			why := cause{event: l.Event.ID, reason: string(l.Reason), text: l.Error}
			g := known[why]
			if g == nil {
				g = &grave{cause: why}
				known[why] = g
				list = append(list, g)
			}
			g.groups = append(g.groups, m.group)
		}
	}
	return list, nil
}

// mostShown bounds a list that an outage longer than all retries could make as long as the file.
const mostShown = 12

func printGraves(d *display, list []*grave) {
	for _, g := range list[:min(len(list), mostShown)] {
		d.note("           %s, %s, in %s:", g.event, g.reason, strings.Join(g.groups, ", "))
		d.note("             %s", g.text)
	}
	if left := len(list) - mostShown; left > 0 {
		d.note("           and %s more", grouped(left))
	}
}

// redrive sends every group's dead letters back to that group alone. The request has a name, so that asking twice sends nothing twice.
func redrive(ctx context.Context, b *messaging.Broker, members []*member, counts meters) (sent int, err error) {
	for _, m := range members {
		report, err := b.Redrive(ctx, m.topic, m.group, messaging.RedriveRequest{ID: "lenient-parser", By: "examples/checkout"})
		sent += report.Sent
		counts[place{m.topic, m.group}].redriven.Add(int64(report.Sent))
		if err != nil {
			return sent, fmt.Errorf("group %s: %w", m.group, err)
		}
	}
	return sent, nil
}
