package rabbitmq

import "time"

const (
	// rebindSoon is how soon a member makes its bindings again when nothing comes any more through the topic.
	rebindSoon = time.Second
	// rebindEvery is how often it does so at least.
	rebindEvery = 10 * time.Second
)

// pace says when a member makes its group's bindings again, which somebody may have removed: soon after what came through the topic has
// stopped coming, since that may be why, and then more and more seldom.
type pace struct {
	came  uint64        // through the topic, when it looked last
	since time.Duration // since the bindings were made
	pause time.Duration // until the next look
}

// next is called when the pause is over, with how many messages have come through the topic so far. It reports whether to bind.
func (p *pace) next(came uint64) (bind bool) {
	p.since += p.pause
	switch {
	case came != p.came:
		p.came, p.pause = came, rebindSoon
		bind = p.since >= rebindEvery
	default:
		p.pause = min(max(2*p.pause, rebindSoon), rebindEvery)
		bind = true
	}
	if bind {
		p.since = 0
	}
	return bind
}
