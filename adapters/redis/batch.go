package redis

import (
	"context"
	"errors"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// write is one message on its way.
type write struct {
	entry  *sendqueue.Entry
	key    string
	cmd    *goredis.StringCmd
	stamp  stamp
	body   payload
	missed func() (driver.Fate, error) // what it means that there is nothing to write to
}

// confirmation is what a pipeline ends with: a command that waits until what went before it is as durable as asked.
type confirmation struct {
	args []any
	want int64
}

func (c Config) confirmation() confirmation {
	within := (c.Timeout / 2).Milliseconds()
	if c.Durability == DurabilityAOF {
		return confirmation{args: []any{"waitaof", 1, 0, within}, want: 1}
	}
	if n, _ := c.replicas(); n > 0 {
		return confirmation{args: []any{"wait", n, within}, want: int64(n)}
	}
	return confirmation{}
}

// met reports whether the answer says that it is.
func (c confirmation) met(reply any) bool {
	if list, ok := reply.([]any); ok && len(list) > 0 {
		reply = list[0]
	}
	return number(reply) >= c.want
}

// send writes a batch and tells the fates.
func (l *line) send(ctx context.Context, batch []sendqueue.Entry) {
	l.writes, l.args = l.writes[:0], l.args[:0]
	if !l.aim(ctx, batch, true) {
		return
	}
	if cap(l.writes) < len(batch) { // the arguments point into it, so it must not grow
		l.writes = make([]write, 0, max(pipelineCount, len(batch)))
	}
	for i := range batch {
		if batch[i].Msg != nil {
			l.prepare(ctx, &batch[i], l.targets[i])
		}
	}
	l.execute(ctx)
	clear(l.writes)
	clear(l.args)
}

// putBack returns to the queue what has no fate yet.
func (l *line) putBack(batch []sendqueue.Entry) {
	back := make([]sendqueue.Entry, 0, len(batch))
	for i := range batch {
		if batch[i].Msg != nil {
			back = append(back, batch[i])
		}
	}
	l.queue.Unread(back)
}

// finish tells a fate before anything is written.
func finish(e *sendqueue.Entry, fate driver.Fate, err error) {
	e.Done(fate, err)
	*e = sendqueue.Entry{}
}

// prepare claims a message and makes its command.
func (l *line) prepare(ctx context.Context, e *sendqueue.Entry, t target) {
	m := e.Msg
	switch {
	case !m.Claim():
		e.Done(driver.Unavailable, driver.ErrWithdrawn)
		return
	case t.stream == "":
		e.Done(driver.Stored, nil)
		return
	}
	l.writes = append(l.writes, write{entry: e, key: t.stream, missed: t.missed})
	w := &l.writes[len(l.writes)-1]
	if l.d.cfg.PubSub {
		w.key = e.To.Topic // which keeps its order where a topic has several channels
		w.cmd = l.channelCommand(ctx, m, t.stream)
		return
	}
	if left := l.d.clock.left(m); left > 0 {
		later := t.place.later()
		if e.To.Group != "" {
			later = t.place.inboxLater(e.To.Group)
		}
		w.cmd = delay(ctx, m, left, later, t.stream, t.missed != nil)
		return
	}
	start := len(l.args)
	l.args = append(l.args, cmdXAdd, t.stream)
	if t.missed != nil {
		l.args = append(l.args, argNoMkStream)
	}
	l.args = appendFields(append(l.args, argAuto), m, &w.stamp, &w.body)
	w.cmd = goredis.NewStringCmd(ctx, l.args[start:len(l.args):len(l.args)]...)
}

var cmdXAdd, argNoMkStream, argAuto = any("xadd"), any("nomkstream"), any("*")

// execute runs the pipeline, or one for each node, and tells the fates. What the server answered with the key's new place is tried again
// there: it has done nothing.
func (l *line) execute(ctx context.Context) {
	for try := range movedTries {
		if len(l.writes) == 0 {
			return
		}
		written := l.client.wires.written.Load()
		confirmed, trouble := l.run1(ctx)
		if trouble != nil && l.client.wires.written.Load() == written && ctx.Err() == nil {
			back := make([]sendqueue.Entry, len(l.writes))
			for i := range l.writes {
				back[i] = *l.writes[i].entry
			}
			l.queue.Unread(back) // not a byte has left
			l.d.link.trouble(trouble)
			return
		}
		var moved []write
		for i := range l.writes {
			w := &l.writes[i]
			if try < movedTries-1 && l.client.cluster != nil && isMoved(w.cmd.Err()) {
				moved = append(moved, *w)
				continue
			}
			l.tell(w, confirmed)
		}
		sendqueue.DoneAll(l.stored, driver.Stored, nil) // at once: each would take the queue's lock
		clear(l.stored)
		l.stored = l.stored[:0]
		if trouble != nil {
			l.d.link.trouble(trouble)
		}
		if len(moved) > 0 {
			l.client.cluster.ReloadState(ctx)
			pause(ctx, movedPause)
		}
		l.writes = append(l.writes[:0], moved...)
		for i := range l.writes { // the arguments point into the write itself
			w := &l.writes[i]
			w.cmd = goredis.NewStringCmd(ctx, repoint(w)...)
		}
	}
}

// repoint returns the arguments of a write that has moved in memory.
func repoint(w *write) []any {
	args := w.cmd.Args()
	for i := range args {
		switch args[i].(type) {
		case *stamp:
			args[i] = &w.stamp
		case *payload:
			args[i] = &w.body
		}
	}
	return args
}

// run1 runs each node's pipeline once and returns for each node whether what it stored is as durable as asked, and any trouble on the way.
func (l *line) run1(ctx context.Context) (confirmed func(key string) error, trouble error) {
	if l.client.single != nil {
		short, err := l.pipeline(ctx, l.client.single, l.writes)
		return func(string) error { return short }, err
	}
	nodes := make(map[*goredis.Client][]write)
	of := make(map[string]*goredis.Client)
	for _, w := range l.writes {
		node, err := l.client.at(ctx, w.key)
		if err != nil {
			w.cmd.SetErr(err)
			trouble = err
			continue
		}
		of[w.key] = node
		nodes[node] = append(nodes[node], w)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	short := make(map[*goredis.Client]error)
	for node, writes := range nodes {
		wg.Go(func() {
			not, err := l.pipeline(ctx, node, writes)
			mu.Lock()
			defer mu.Unlock()
			short[node] = not
			if err != nil {
				trouble = err
			}
		})
	}
	wg.Wait()
	return func(key string) error { return short[of[key]] }, trouble
}

// pipeline runs commands on one connection. short says why what was stored is not as durable as asked.
func (l *line) pipeline(ctx context.Context, node *goredis.Client, writes []write) (short, trouble error) {
	pipe := node.Pipeline()
	for i := range writes {
		_ = pipe.Process(ctx, writes[i].cmd) // only collects
	}
	var last *goredis.Cmd
	if l.wait.args != nil {
		last = goredis.NewCmd(ctx, l.wait.args...)
		_ = pipe.Process(ctx, last) // only collects
	}
	_, err := pipe.Exec(ctx)
	if isTrouble(err) {
		trouble = err
	}
	if last == nil {
		return nil, trouble
	}
	reply, err := last.Result()
	if err != nil {
		return because(errWaitShort, err), trouble
	}
	if !l.wait.met(reply) {
		return errWaitShort, trouble
	}
	return nil, trouble
}

// tell tells a message's fate by the answer to its command, or notes that it is stored.
func (l *line) tell(w *write, confirmed func(key string) error) {
	err := w.cmd.Err()
	switch {
	case err == nil && l.d.cfg.PubSub && w.entry.To.Unrouted == driver.Refuse && number(w.cmd.Val()) == 0:
		w.entry.Done(driver.Unroutable, errNobody)
	case err == nil:
		if short := confirmed(w.key); short != nil {
			w.entry.Done(driver.Unconfirmed, short)
			return
		}
		l.stored = append(l.stored, *w.entry)
	case errors.Is(err, goredis.Nil) && w.missed != nil:
		l.forget(w.entry.To.Topic)
		fate, err := w.missed()
		w.entry.Done(fate, err)
	default:
		fate, err := fateOf(err)
		w.entry.Done(fate, fail("publish", w.entry.To.Topic, err))
	}
}

// channelTarget finds where a message goes, or tells its fate where channels can't serve it.
func (l *line) channelTarget(to driver.Address, m *driver.Message) (target, error) {
	switch {
	case to.Log, to.Unrouted == driver.Keep:
		return target{}, because(driver.ErrUnsupported, errKeepChannel)
	case to.Group != "":
		return target{}, because(driver.ErrUnsupported, errNoGroups)
	case l.d.clock.left(m) > 0:
		return target{}, because(driver.ErrUnsupported, errKeepChannel)
	default:
		return target{stream: l.d.cfg.channel(to.Topic, m.Type)}, nil
	}
}

// channelCommand is the command for a message to a channel of a cluster.
func (l *line) channelCommand(ctx context.Context, m *driver.Message, channel string) *goredis.StringCmd {
	raw := appendNative(nil, m, l.name, l.number(channel))
	verb := "publish"
	if l.d.cfg.shards() {
		verb = "spublish"
	}
	return goredis.NewStringCmd(ctx, verb, channel, raw)
}
