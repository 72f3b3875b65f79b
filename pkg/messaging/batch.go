package messaging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/herald-go/herald/envelope"
)

// BatchOptions say how events are gathered. The zero value is ready.
type BatchOptions struct {
	// Size is the most events in a batch. Defaults to 100.
	Size int
	// Wait is how long an incomplete batch waits for more; it never waits while it is complete, nor for longer than a quarter of
	// Capabilities.HoldLimit. Defaults to 100 ms; negative is not at all.
	Wait time.Duration
	// Continue lets the verdicts on a key's later events stand when an earlier one of the batch failed. By default they count as not
	// handled and come again after it, so that the order of the key holds.
	Continue bool
	// Casts are upcasters and downcasters to the version of OnBatch's definition; HandleBatch does not look at them. A cast that does not
	// lead there is refused when the subscription is opened.
	Casts []Binding
}

// Defaults of BatchOptions, those of SmallRye and Dapr's bulk subscriptions but for Dapr's wait of ten seconds.
const (
	defaultBatchSize = 100
	defaultBatchWait = 100 * time.Millisecond
)

// Batch is a Handler that takes several deliveries at once. HandleBatch and OnBatch make it; pass it to Subscribe as it is: per-event
// middleware on it is refused.
type Batch struct {
	f       func(ctx context.Context, batch []*Delivery) error
	options BatchOptions
	types   []string
	broken  error // of the casts
}

// BatchError tells which deliveries of a batch failed, by their index; all others are done. Each error may be one of Permanent, RetryAfter,
// Discard, Snooze or Release.
type BatchError struct {
	// Failed holds the errors by index.
	Failed map[int]error
}

// Error names the first failure and counts the others.
func (e *BatchError) Error() string {
	if len(e.Failed) == 0 {
		return "no event of the batch failed"
	}
	first := slices.Min(slices.Collect(maps.Keys(e.Failed)))
	return fmt.Sprintf("%d events of the batch failed, first number %d: %v", len(e.Failed), first, e.Failed[first])
}

// HandleBatch makes a handler of a function over several deliveries. Events of one key stand in their order, inside a batch and between
// batches; Concurrency is how many batches run at once. The function returns nil when all are done, or a *BatchError that names the failed
// ones. Any other error makes Herald split the batch in halves and call again, down to single events, so that one that poisons the batch
// fails alone: the others are then handled twice. Snooze and Release are not split: they hold for the whole batch.
func HandleBatch(f func(ctx context.Context, batch []*Delivery) error, o BatchOptions) *Batch {
	if o.Size == 0 {
		o.Size = defaultBatchSize
	}
	if o.Wait == 0 {
		o.Wait = defaultBatchWait
	}
	return &Batch{f: f, options: o}
}

// OnBatch is HandleBatch for a definition: data is decoded first, and the subscription's filter is the definition's type. An event whose data
// does not decode, or whose version is another that no cast leads from, is a dead letter on its own and not in the batch.
func OnBatch[T any](d Definition[T], f func(ctx context.Context, batch []Typed[T]) error, o BatchOptions) *Batch {
	caster, broken := d.caster(o.Casts)
	b := HandleBatch(func(ctx context.Context, batch []*Delivery) error {
		failed := make(map[int]error)
		typed := make([]Typed[T], 0, len(batch))
		index := make([]int, 0, len(batch))
		for i, dl := range batch {
			v, err := d.accept(&dl.Event, caster)
			if err != nil {
				failed[i] = err
				continue
			}
			typed, index = append(typed, Typed[T]{Delivery: dl, Value: v}), append(index, i)
		}
		if len(typed) == 0 {
			return &BatchError{Failed: failed}
		}
		return d.merge(f(ctx, typed), failed, index)
	}, o)
	b.types, b.broken = []string{d.typ}, broken
	return b
}

// caster returns the caster of casts that lead to d.
func (d Definition[T]) caster(casts []Binding) (*Caster, error) {
	c, err := NewCaster(casts...)
	if err != nil {
		return &Caster{}, err
	}
	for _, b := range casts {
		if _, ok := c.way(b.typ, b.cast.to, d.isVersion); !ok || b.typ != d.typ {
			return &Caster{}, fmt.Errorf("%w: the cast to version %s of %s does not lead to version %s of %s", errInvalid, b.cast.to, b.typ, d.version, d.typ)
		}
	}
	return c, nil
}

// isVersion reports whether a version is that of the definition.
func (d Definition[T]) isVersion(version string) bool {
	return envelope.SameVersion(d.version, version)
}

// accept decodes an event of the right version, or of one that is cast to it.
func (d Definition[T]) accept(e *envelope.Event, caster *Caster) (T, error) {
	var none T
	if !d.isVersion(e.Version) {
		steps, ok := caster.way(e.Type, e.Version, d.isVersion)
		if !ok {
			return none, refused(ReasonVersion, fmt.Errorf("no handler for version %s of %s", e.Version, e.Type))
		}
		if err := apply(steps, e); err != nil {
			return none, refused(ReasonVersion, err)
		}
	}
	v, err := d.Decode(e)
	if err != nil {
		return v, refused(ReasonDecode, err)
	}
	return v, nil
}

// merge joins what did not decode with what the function returned over the rest, whose places in the batch are in index.
func (d Definition[T]) merge(err error, failed map[int]error, index []int) error {
	var told *BatchError
	switch {
	case err == nil && len(failed) == 0:
		return nil
	case err == nil:
	case errors.As(err, &told):
		for i, e := range told.Failed {
			if i >= 0 && i < len(index) {
				failed[index[i]] = e
			}
		}
	case len(failed) == 0 || len(index) > 1:
		return err // the split leaves what did not decode alone in the end
	default:
		failed[index[0]] = err
	}
	return &BatchError{Failed: failed}
}

// Types returns the filter, for OnBatch.
func (b *Batch) Types() []string { return slices.Clone(b.types) }

// Handle implements Handler for one delivery, as a batch of one.
func (b *Batch) Handle(ctx context.Context, d *Delivery) error {
	err := b.f(ctx, []*Delivery{d})
	var told *BatchError
	if errors.As(err, &told) {
		return told.Failed[0]
	}
	return err
}

func (b *Batch) validate() error {
	if b.f == nil {
		return fmt.Errorf("%w: batch handler is nil", errInvalid)
	}
	if b.options.Size < 0 {
		return fmt.Errorf("%w: batch size %d is negative", errInvalid, b.options.Size)
	}
	return b.broken
}
