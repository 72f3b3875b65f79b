package kafka

import "sync"

// keptBytes is the largest memory of a batch that is kept for the next one.
const keptBytes = 2 * batchBytes

// batches keeps batches that are done with, so that publishing makes no garbage; the collector takes those that lie idle. The zero value is
// empty. It is safe for concurrent use.
type batches struct{ pool sync.Pool }

// get returns an empty batch, with memory perhaps.
func (p *batches) get() *batch {
	if b, ok := p.pool.Get().(*batch); ok {
		return b
	}
	return &batch{}
}

// put takes a batch whose messages have their fates, or are in other batches. Nobody else may know it any more.
func (p *batches) put(b *batch) {
	if cap(b.bytes) > keptBytes {
		return
	}
	clear(b.entries)
	*b = batch{entries: b.entries[:0], marks: b.marks[:0], bytes: b.bytes[:0]}
	p.pool.Put(b)
}
