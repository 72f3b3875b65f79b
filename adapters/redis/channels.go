package redis

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

var (
	errNoGroups = errors.New("channels have no groups: every subscriber gets every message, from now on")
	errNobody   = errors.New("nobody listens to the channel")
)

// channelFeatures is what Pub/Sub can do.
func channelFeatures() map[driver.Feature]driver.Capability {
	refused := func(how string) driver.Capability { return driver.Capability{Level: driver.Refused, How: how} }
	const nothing = "channels keep nothing"
	return map[driver.Feature]driver.Capability{
		driver.FeatureGroups:       refused("every subscriber gets every message"),
		driver.FeatureBroadcast:    {Level: driver.Native, How: "SUBSCRIBE, sharded in a cluster, or PSUBSCRIBE with a channel for each type; at most once, what is missed is counted"},
		driver.FeatureHistory:      refused(nothing),
		driver.FeatureStart:        refused(nothing),
		driver.FeatureReset:        refused(nothing),
		driver.FeatureReplicaOrder: refused("there are no groups"),
		driver.FeatureDelay:        refused(nothing),
		driver.FeatureInbox:        refused("there are no groups"),
		driver.FeatureLog:          refused(nothing),
		driver.FeatureKeep:         refused(nothing),
		driver.FeatureLag:          refused("there are no groups"),
		driver.FeatureIdempotent:   refused("nothing is sent twice, and what is not answered is unconfirmed"),
	}
}

// channelMessage bounds a message of a channel: servers are shipped with client-output-buffer-limit pubsub 32mb, which cuts every reader
// that gets a larger one.
const channelMessage = 16 << 20

// silence is how long a reader waits before it asks whether the server is there.
const silence = time.Second

// listener is a reader of one channel, with a connection of its own.
type listener struct {
	hand
	d       *Driver
	spec    driver.Spec
	client  *client
	epoch   *epoch
	keys    map[string]*hold // what waits, by key, with OverflowLatest
	seen    sequences
	dropped int64
	told    time.Time
	tuned   bool            // guarded by the hand's lock
	kick    chan struct{}   // one slot: the server answers again
	ctx     context.Context //nolint:containedctx // the subscription's own life: ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
	closed  chan struct{}
}

// listen opens a reader, waiting for a broker that is away.
func (d *Driver) listen(ctx context.Context, spec driver.Spec) (*listener, error) {
	l := &listener{
		d: d, spec: spec, client: newClient(d.cfg, 1, d.cfg.Timeout), keys: make(map[string]*hold), kick: make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
	l.hand.init(spec)
	l.epoch = &epoch{source: driver.NewSource("channel " + spec.Topic)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	wait := backoff.New(redialFirst, redialMost)
	for {
		err := d.link.await(ctx)
		var f *feed
		if err == nil {
			f, err = l.tune(ctx)
		}
		if err == nil {
			l.tuned = true
			l.running.Go(func() { l.run(f) })
			return l, nil
		}
		if !isTrouble(err) && !isMoved(err) || wait.Wait(ctx) != nil {
			l.client.close()
			if ended := context.Cause(ctx); ended != nil && !errors.Is(err, ended) {
				err = because(ended, err) // what it met was the end of ctx
			}
			return nil, err
		}
	}
}

// run listens until the subscription is closed. What was missed while there was no connection is told.
func (l *listener) run(f *feed) {
	wait := backoff.New(redialFirst, redialMost)
	for {
		err := l.hear(f)
		f.close()
		l.client.wires.cut()
		if l.ctx.Err() != nil {
			return
		}
		l.mark(false)
		l.d.link.trouble(err)
		l.tell(driver.Notice{Kind: driver.Disconnected, Err: err})
		for {
			timer := time.NewTimer(wait.Next())
			select {
			case <-timer.C:
			case <-l.kick:
				timer.Stop()
			case <-l.ctx.Done():
				timer.Stop()
				return
			}
			if f, err = l.tune(l.ctx); err == nil {
				break
			}
		}
		l.mark(true)
		wait.Reset()
		l.tell(driver.Notice{Kind: driver.Connected})
		l.tell(driver.Notice{Kind: driver.Gap, Count: -1, Detail: "what was published while the connection was away"})
	}
}

func (l *listener) mark(tuned bool) {
	l.mu.Lock()
	l.tuned = tuned
	l.cond.Broadcast()
	l.mu.Unlock()
}

// listeners returns the driver's readers of channels.
func (d *Driver) listeners() []*listener {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*listener
	for s := range d.subs {
		if l, ok := s.(*listener); ok {
			all = append(all, l)
		}
	}
	return all
}

// changed follows the state of the link. When it is lost, readers of channels begin anew: their connection may be as dead, and not know it.
func (d *Driver) changed(online bool, err error) {
	d.pub.online(online, err)
	if online {
		return
	}
	for _, l := range d.listeners() {
		l.mark(false)
		l.client.wires.cut()
	}
}

// listening waits until the driver's readers are back, for so long: what waited for the server shall reach those that waited with it.
func (d *Driver) listening(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	for _, l := range d.listeners() {
		l.await(ctx)
	}
}

// await returns when the reader listens, or when ctx ends.
func (l *listener) await(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		l.mu.Lock()
		l.cond.Broadcast()
		l.mu.Unlock()
	})()
	select {
	case l.kick <- struct{}{}:
	default:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for ctx.Err() == nil && !l.stopped && !l.tuned {
		l.cond.Wait()
	}
}

// take takes one message in, by the policy for a full buffer.
func (l *listener) take(raw []byte) {
	x := &hold{epoch: l.epoch}
	from, seq := decodeNative(&x.msg, bytes.Clone(raw))
	x.msg.Source = l.epoch.source
	l.mu.Lock()
	if from != "" && l.d.cfg.Channels == ChannelsType { // whose channels are numbered one by one
		from += " " + x.msg.Type
	}
	l.dropped += l.seen.missed(from, seq)
	for l.d.cfg.Overflow == OverflowBlock && len(l.ready) >= l.d.cfg.Buffer && !l.stopped && l.ctx.Err() == nil {
		l.cond.Wait()
	}
	if l.stopped {
		l.mu.Unlock()
		return
	}
	if len(l.ready) >= l.d.cfg.Buffer {
		l.makeRoom(x.msg.Key)
	}
	l.admit(x)
	if l.d.cfg.Overflow == OverflowLatest && x.msg.Key != "" {
		l.keys[x.msg.Key] = x
	}
	l.mu.Unlock()
	l.pass()
	l.report(false)
}

// makeRoom drops a message that waits: an older one of the same key where that is the policy, else the oldest. The lock is held.
func (l *listener) makeRoom(key string) {
	victim := l.ready[0]
	if older := l.keys[key]; l.d.cfg.Overflow == OverflowLatest && older != nil && older.live && !older.out {
		victim = older
	}
	l.drop(victim)
	if l.keys[victim.msg.Key] == victim {
		delete(l.keys, victim.msg.Key)
	}
	if victim == l.ready[0] {
		l.ready = l.ready[1:]
	} else {
		l.sweep()
	}
	l.dropped++
}

// report tells what was dropped or missed, at most once a silence; late is whether the line is silent.
func (l *listener) report(late bool) {
	l.mu.Lock()
	n := l.dropped
	if n == 0 || !late && time.Since(l.told) < silence {
		l.mu.Unlock()
		return
	}
	l.dropped, l.told = 0, time.Now()
	l.mu.Unlock()
	l.tell(driver.Notice{Kind: driver.Gap, Count: n, Detail: gapText(n, "did not arrive, or were dropped since the reader is slower than the channel")})
}

func (l *listener) tell(n driver.Notice) {
	n.Topic = l.spec.Topic
	if l.spec.Notify != nil {
		l.spec.Notify(n)
	}
}

// Settle implements driver.Subscription. Nothing is told to the broker, which has forgotten the message.
func (l *listener) Settle(outcomes []driver.Outcome) {
	acks := 0
	l.mu.Lock()
	for i := range outcomes {
		x, ok := outcomes[i].Message.Ref.(*hold)
		if !ok || x.in != &l.hand || !x.live || !x.out {
			continue
		}
		l.drop(x)
		if outcomes[i].Verdict == driver.Ack {
			acks++
		}
	}
	l.cond.Broadcast()
	l.mu.Unlock()
	l.wake()
	if acks > 0 && l.spec.Settled != nil {
		l.spec.Settled(acks)
	}
}

// Stop implements driver.Subscription.
func (l *listener) Stop() {
	l.mu.Lock()
	l.stopped = true
	l.ready = nil
	l.cond.Broadcast()
	l.mu.Unlock()
	l.wake()
}

// Close implements driver.Subscription. It waits for nothing but the reader's goroutine.
func (l *listener) Close(context.Context) error {
	l.closing.Do(func() {
		defer close(l.closed)
		l.Stop()
		l.cancel()
		l.client.wires.cut()
		l.mu.Lock()
		l.cond.Broadcast()
		l.mu.Unlock()
		l.running.Wait()
		l.report(true)
		l.mu.Lock()
		l.lose(l.epoch)
		l.mu.Unlock()
		l.epoch.source.Lose()
		l.client.close()
		l.d.forget(l)
	})
	<-l.closed
	return nil
}
