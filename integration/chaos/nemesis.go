package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/history"
)

// Row is a fault of the matrix.
type Row struct {
	// Name says what happens, On where: every broker if it is empty.
	Name string
	On   []brokers.Kind
	// Destroys tells that it takes events away, Forgets that the broker knows no more what is finished.
	Destroys, Forgets bool
	// whom says whom it hurts: history.Nobody, "" for everybody, or "member" for one that is drawn.
	whom string
	// ours tells that it hurts by names that Herald gives, or what Herald alone makes again, or has a meaning for Herald alone.
	ours bool
	do   func(ctx context.Context, r *run, c *child) error
}

// errSpared marks a fault that the machine would not inject.
var errSpared = errors.New("not injected")

// oneMember is a Row's whom.
const oneMember = "member"

func sortChildren(some []*child) {
	slices.SortFunc(some, func(a, b *child) int { return cmp.Compare(a.role.Name, b.role.Name) })
}

// Rows returns the faults that are drawn on a kind of broker.
func Rows(kind brokers.Kind) []Row {
	var some []Row
	for _, row := range slices.Concat(commonRows, rabbitmqRows, kafkaRows, redisRows) {
		if len(row.On) == 0 || slices.Contains(row.On, kind) {
			some = append(some, row)
		}
	}
	return some
}

// rows are those of the run.
func (r *run) rows() ([]Row, error) {
	all := slices.DeleteFunc(Rows(r.cfg.Broker), func(row Row) bool { return row.For(r.cfg.Client) != "" })
	if len(r.cfg.Rows) == 0 {
		return all, nil
	}
	var some []Row
	for _, name := range r.cfg.Rows {
		i := slices.IndexFunc(all, func(row Row) bool { return row.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no row %q for %s", name, r.cfg.Broker)
		}
		some = append(some, all[i])
	}
	return some, nil
}

// nemesis injects faults until a time: all rows in an order that is drawn, then all again, and a quarter of the time nothing.
func (r *run) nemesis(ctx context.Context, until time.Time) error {
	rows, err := r.rows()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		for _, i := range r.random.Perm(len(rows)) {
			rest := time.Duration(300+r.random.IntN(1000)) * time.Millisecond
			if r.random.IntN(8) == 0 {
				rest += 4 * time.Second
			}
			if time.Until(until) < rest {
				return nil
			}
			r.wait(ctx, rest)
			if err := r.inject(ctx, rows[i]); err != nil {
				return fmt.Errorf("%s: %w", rows[i].Name, err)
			}
		}
	}
	return context.Cause(ctx)
}

// inject runs one fault from its beginning to its end.
func (r *run) inject(ctx context.Context, row Row) error {
	r.faults++
	o := history.Op{Kind: history.Fault, Count: r.faults, Note: row.Name, Member: r.cfg.victim(row.whom)}
	var victim *child
	if row.whom == oneMember {
		members := r.of(Handling)
		victim = members[r.random.IntN(len(members))]
		o.Member = r.cfg.victim(victim.role.Name)
	}
	if row.Destroys {
		if err := r.gather(ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	r.note(o)
	if row.Destroys {
		r.note(history.Op{Kind: history.Destroyed, Count: r.faults})
	}
	if row.Forgets {
		r.note(history.Op{Kind: history.Forgot, Note: row.Name})
	}
	bounded, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	err := row.do(bounded, r, victim)
	if errors.Is(err, errSpared) {
		r.say("%s: %v", row.Name, err)
		r.note(history.Op{Kind: history.Spared, Note: row.Name})
		err = nil
	}
	if row.Destroys {
		err = errors.Join(err, r.destroyed())
	}
	if row.Forgets {
		r.note(history.Op{Kind: history.Forgot, Note: row.Name})
	}
	o.Kind = history.Healed
	r.note(o)
	if row.Destroys {
		err = errors.Join(err, r.tell(ctx, Publishing, orderGo, saysGone), r.tell(ctx, Handling, orderGo, saysGone))
	}
	r.say("%d %s %s: %v; %d acked, %d waiting", r.faults, row.Name, o.Member, time.Since(began).Round(time.Millisecond), r.watch.acked, r.watch.waiting())
	return err
}

// gatherTime bounds how long handlers rest before a fault that destroys.
const gatherTime = 5 * time.Second

// gather lets handlers rest so that there is something to destroy, and then publishers, so that it is known what.
func (r *run) gather(ctx context.Context) error {
	r.note(history.Op{Kind: history.Phase, Note: history.Rest})
	if err := r.tell(ctx, Handling, orderRest, saysHeld); err != nil {
		return err
	}
	want := 2 * window * len(r.of(Handling)) // more than what is in their hands
	for began := time.Now(); r.watch.waiting() < want && time.Since(began) < gatherTime; {
		r.wait(ctx, 100*time.Millisecond)
	}
	return r.tell(ctx, Publishing, orderHold, saysHeld)
}

// destroyed notes what the fault can have destroyed.
func (r *run) destroyed() error {
	if err := r.watch.poll(); err != nil {
		return err
	}
	for _, o := range r.watch.unfinished() {
		o.Count = r.faults
		r.note(o)
	}
	return r.watch.poll()
}

// heal ends what could still go on, and lets all come to rest.
func (r *run) heal(ctx context.Context) error {
	for _, n := range r.nets {
		n.Heal()
	}
	for _, c := range r.children {
		if err := c.thaw(); err != nil {
			return fmt.Errorf("%s: %w", c.role.Name, err)
		}
	}
	r.wait(ctx, 2*time.Second)
	return nil
}
