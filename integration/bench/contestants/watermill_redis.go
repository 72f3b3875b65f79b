package contestants

import (
	"context"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/herald-go/herald/integration/bench/contest"
)

// watermillRedis is watermill-redisstream.
type watermillRedis struct{ best bool }

// Profile implements contest.Contestant.
func (w watermillRedis) Profile() contest.Profile {
	p := contest.Profile{
		Name: "Watermill", Broker: "redis", Library: "github.com/ThreeDotsLabs/watermill-redisstream", Settings: "defaults",
	}
	if w.best {
		p.Name, p.Settings = "Watermill best", "64 connections; 16 subscribers in the group, one where keys must stay in order"
	}
	return p
}

// Prepare implements contest.Contestant.
func (w watermillRedis) Prepare(ctx context.Context, t *contest.Task, events *contest.Events) error {
	if err := makeGroups(ctx, t); err != nil {
		return err
	}
	return contest.Fill(ctx, w, t, events)
}

// Clean implements contest.Contestant.
func (watermillRedis) Clean(ctx context.Context, t *contest.Task) error { return dropKeys(ctx, t) }

// Open implements contest.Contestant.
func (w watermillRedis) Open(_ context.Context, t *contest.Task, events *contest.Events) (contest.Session, error) {
	conns := 0 // the client's own default
	if w.best {
		conns = 64
	}
	publisher, err := redisstream.NewPublisher(redisstream.PublisherConfig{Client: redisClient(t, conns)}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	s := &watermillSession{t: t, events: events, publisher: publisher}
	s.subscriber = func(group string) (message.Subscriber, error) {
		// Closing a subscriber closes its client, so each has its own.
		return redisstream.NewSubscriber(redisstream.SubscriberConfig{
			Client: redisClient(t, 2), ConsumerGroup: group, DisableIndefiniteInitialBlock: true,
		}, watermill.NopLogger{})
	}
	if w.best {
		s.members = watermillBest(t)
	}
	return s, nil
}
