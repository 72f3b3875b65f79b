package messaging

import (
	"context"
	"sync"
	"time"
)

// sendContext gives a context without a deadline one, and costs nothing until somebody asks for Done. Making a real one for each publish
// would cost more than publishing.
type sendContext struct {
	context.Context
	timeout time.Duration

	mu     sync.Mutex
	inner  context.Context
	cancel context.CancelFunc
}

func (c *sendContext) real() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		if _, ok := c.Context.Deadline(); ok {
			c.inner, c.cancel = c.Context, func() {}
		} else {
			c.inner, c.cancel = context.WithTimeout(c.Context, c.timeout)
		}
	}
	return c.inner
}

// untimed returns the time-out, and true where the parent has no deadline and nobody has asked for Done: then a timer does, which costs less
// than a context.
func (c *sendContext) untimed() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, deadline := c.Context.Deadline()
	return c.timeout, c.inner == nil && !deadline
}

// Done implements context.Context.
func (c *sendContext) Done() <-chan struct{} { return c.real().Done() }

// Err implements context.Context.
func (c *sendContext) Err() error {
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner == nil {
		inner = c.Context
	}
	return inner.Err()
}

// Value implements context.Context. context.Cause looks for the inner context's cause this way.
func (c *sendContext) Value(key any) any {
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner == nil {
		inner = c.Context
	}
	return inner.Value(key)
}

func (c *sendContext) begin(parent context.Context, timeout time.Duration) {
	c.Context, c.timeout = parent, timeout
}

// end frees the real context, if there is one.
func (c *sendContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}

// reset makes the value ready for another begin.
func (c *sendContext) reset() {
	c.Context, c.inner, c.cancel, c.timeout = nil, nil, nil, 0
}
