package redis

import (
	"context"
	"fmt"
	"io"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// historyPage is how many entries one read asks for.
const historyPage = 500

// reader is an open history. Partitions are merged by id, which is the order of storing.
type reader struct {
	d     *Driver
	parts []*pages
	out   []*driver.Message
	src   *driver.Source
}

// pages is one partition of a history.
type pages struct {
	place
	after, until id
	removed      int64 // how many entries retention had taken when it was last looked at
	page         []any
	done         bool
}

// Read implements driver.History.
func (d *Driver) Read(ctx context.Context, name string, from driver.Start, to string) (driver.Reader, error) {
	err := d.ready()
	if err == nil {
		var r *reader
		if r, err = d.history(ctx, name, from, to); err == nil {
			return r, nil
		}
	}
	return nil, fail("read", name, err)
}

func (d *Driver) history(ctx context.Context, name string, from driver.Start, to string) (*reader, error) {
	t, err := d.commands.topic(ctx, name)
	if err != nil {
		return nil, err
	}
	if !t.born {
		return nil, driver.ErrUnknownTopic
	}
	all := places(name, t.partitions)
	begin, err := d.begin(ctx, all, from)
	if err != nil {
		return nil, err
	}
	var last id
	if to != "" {
		if last, err = d.stored(ctx, all, to); err != nil {
			return nil, err
		}
	}
	r := &reader{d: d, src: driver.NewSource("history of " + name)}
	for _, p := range all {
		end, err := d.last(ctx, p)
		if err != nil {
			return nil, err
		}
		if to != "" && last.before(end) {
			end = last
		}
		after, ok := parseID(begin)
		if begin == "$" {
			after = end
		} else if !ok {
			after = id{}
		}
		r.parts = append(r.parts, &pages{place: p, after: after, until: end, removed: -1})
	}
	return r, nil
}

// Next implements driver.Reader.
func (r *reader) Next(ctx context.Context) ([]*driver.Message, error) {
	r.out = r.out[:0]
	if r.src.State() == driver.Gone {
		return nil, io.EOF
	}
	for len(r.out) < historyPage {
		var first *pages
		for _, p := range r.parts {
			if err := r.turn(ctx, p); err != nil {
				if len(r.out) > 0 {
					break
				}
				return nil, fail("read", p.topic, err)
			}
			if len(p.page) > 0 && (first == nil || p.head().before(first.head())) {
				first = p
			}
		}
		if first == nil {
			break
		}
		r.out = append(r.out, first.pop(r.src))
		if len(first.page) == 0 && len(r.out) > 0 {
			break // what was read is handed out before more is asked for
		}
	}
	if len(r.out) == 0 {
		return nil, io.EOF
	}
	return r.out, nil
}

// turn reads the next page of a partition if there is nothing left of the last one.
func (r *reader) turn(ctx context.Context, p *pages) error {
	if len(p.page) > 0 || p.done {
		return nil
	}
	if !p.after.before(p.until) {
		p.done = true
		return nil
	}
	return r.d.commands.do(ctx, p.stream(), func(node *goredis.Client) error {
		pipe := node.Pipeline()
		entries := goredis.NewSliceCmd(ctx, "xrange", p.stream(), "("+p.after.String(), p.until.String(), "count", historyPage)
		_ = pipe.Process(ctx, entries) // only collects
		info := pipe.XInfoStream(ctx, p.stream())
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		removed := info.Val().EntriesAdded - info.Val().Length
		first, ok := parseID(info.Val().FirstEntry.ID)
		if p.removed >= 0 && removed > p.removed && (!ok || p.after.before(first)) {
			return fmt.Errorf("%w: %w", driver.ErrPosition, errTrimmed)
		}
		p.removed = removed
		p.page = entries.Val()
		p.done = len(p.page) == 0
		return nil
	})
}

// head returns the id of the next entry.
func (p *pages) head() id {
	entry, _ := p.page[0].([]any)
	at, _ := parseID(text(entry[0])) // the server's own
	return at
}

// pop makes a message of the next entry.
func (p *pages) pop(src *driver.Source) *driver.Message {
	entry, _ := p.page[0].([]any)
	p.after = p.head()
	p.page = p.page[1:]
	fields, _ := entry[1].([]any)
	m := &driver.Message{Source: src, Position: position(p.part, text(entry[0]))}
	readFields(m, texts(fields))
	return m
}

// Close implements driver.Reader.
func (r *reader) Close(context.Context) error {
	r.src.Lose()
	return nil
}
