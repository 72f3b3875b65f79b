package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/history"
	"github.com/herald-go/herald/integration/network"
)

// commonRows are the faults that every broker has.
var commonRows = []Row{
	{Name: "broker restart", do: func(ctx context.Context, r *run, _ *child) error { return r.broker.Restart(ctx) }},
	{Name: "broker kill -9", do: killed},
	{Name: "broker killed three times", do: bounced},
	{Name: "broker paused", do: paused},
	{Name: "connections cut", do: cut},
	{Name: "one member cut", whom: oneMember, do: cutOne},
	{Name: "black hole", do: hole(true, true, 6*time.Second)},
	{Name: "reply lost", do: hole(true, false, 3*time.Second)},
	{Name: "request lost", do: hole(false, true, 3*time.Second)},
	{Name: "network down", do: down},
	{Name: "slow link", whom: history.Nobody, do: slow},
	{Name: "one member cut off past its lease", whom: oneMember, do: isolated},
	{Name: "consumer kill -9", whom: oneMember, do: memberKilled},
	{Name: "consumer SIGSTOP past its lease", whom: oneMember, do: memberStopped},
	{Name: "publisher kill -9", whom: history.Nobody, do: publisherKilled},
	{Name: "rebalance storm", whom: history.Nobody, do: storm},
	{Name: "skewed clock", ours: true, whom: history.Nobody, do: skewedMember},
}

// lease is longer than a broker waits for a silent member, and than it takes a client to notice a silent broker.
func (r *run) lease() time.Duration {
	if r.cfg.Broker == brokers.Kafka {
		return 9 * time.Second
	}
	return 7 * time.Second
}

func killed(ctx context.Context, r *run, _ *child) error {
	return errors.Join(r.broker.Kill(ctx), r.broker.Start(ctx))
}

func bounced(ctx context.Context, r *run, c *child) error {
	for range 3 {
		if err := killed(ctx, r, c); err != nil {
			return err
		}
		r.wait(ctx, time.Duration(r.random.IntN(1000))*time.Millisecond)
	}
	return nil
}

// paused stops the broker where it is. An engine under load may say that it can't, and try in vain.
func paused(ctx context.Context, r *run, _ *child) error {
	length := time.Duration(2+r.random.IntN(5)) * time.Second
	err := r.broker.Pause(ctx)
	for range 2 {
		if err == nil {
			break
		}
		r.wait(ctx, time.Second)
		err = r.broker.Pause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errSpared, err)
	}
	r.wait(ctx, length)
	return r.broker.Resume(ctx)
}

func (r *run) all(change func(*network.Network)) {
	for _, n := range r.nets {
		change(n)
	}
}

func cut(_ context.Context, r *run, _ *child) error {
	r.all(func(n *network.Network) { n.Cut() })
	return nil
}

func cutOne(_ context.Context, _ *run, c *child) error {
	c.net.Cut()
	return nil
}

func hole(in, out bool, d time.Duration) func(context.Context, *run, *child) error {
	return func(ctx context.Context, r *run, _ *child) error {
		r.all(func(n *network.Network) { n.BlackHole(in, out) })
		r.wait(ctx, d)
		r.all(func(n *network.Network) { n.Heal() })
		return nil
	}
}

func down(ctx context.Context, r *run, _ *child) error {
	r.all(func(n *network.Network) { n.Down() })
	r.wait(ctx, 2*time.Second)
	r.all(func(n *network.Network) { n.Up() })
	return nil
}

func slow(ctx context.Context, r *run, _ *child) error {
	r.all(func(n *network.Network) { n.Slow(time.Duration(20+r.random.IntN(150))*time.Millisecond, 64<<10) })
	r.wait(ctx, 4*time.Second)
	r.all(func(n *network.Network) { n.Heal() })
	return nil
}

func isolated(ctx context.Context, r *run, c *child) error {
	c.net.BlackHole(true, true)
	r.wait(ctx, r.lease())
	c.net.Heal()
	return nil
}

// memberKilled kills a member; another one takes its place.
func memberKilled(ctx context.Context, r *run, c *child) error {
	if err := c.kill(); err != nil {
		return err
	}
	delete(r.children, c.role.Name)
	_, err := r.member(ctx, place(c), c.net, false)
	return err
}

// place is where a process stands: its name without its number.
func place(c *child) string {
	for i := len(c.role.Name) - 1; i > 0; i-- {
		if c.role.Name[i] == '.' {
			return c.role.Name[:i]
		}
	}
	return c.role.Name
}

func memberStopped(ctx context.Context, r *run, c *child) error {
	if err := c.freeze(); err != nil {
		return err
	}
	r.wait(ctx, r.lease())
	return c.thaw()
}

// publisherKilled kills a publisher; another one, with keys of its own, takes its place.
func publisherKilled(ctx context.Context, r *run, _ *child) error {
	some := r.of(Publishing)
	c := some[r.random.IntN(len(some))]
	if err := c.kill(); err != nil {
		return err
	}
	delete(r.children, c.role.Name)
	return r.publisher(ctx, place(c), c.net)
}

// storm lets members join and leave.
func storm(ctx context.Context, r *run, _ *child) error {
	net := r.network()
	for range 3 {
		var guests []*child
		for range 1 + r.random.IntN(2) {
			c, err := r.member(ctx, "g", net, false)
			if err != nil {
				return err
			}
			guests = append(guests, c)
		}
		r.wait(ctx, 500*time.Millisecond)
		for _, c := range guests {
			if err := c.stop(); err != nil {
				return err
			}
			delete(r.children, c.role.Name)
		}
	}
	return nil
}

// skewedMember lets a member with a clock that is wrong join for a while.
func skewedMember(ctx context.Context, r *run, _ *child) error {
	c, err := r.member(ctx, "s", r.network(), true)
	if err != nil {
		return err
	}
	r.wait(ctx, 6*time.Second)
	delete(r.children, c.role.Name)
	return c.stop()
}
