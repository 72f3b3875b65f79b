//go:build !unix

package history

import "time"

// Now returns the present stamp: the wall clock's nanoseconds, for want of a monotonic clock that processes share.
func Now() int64 { return time.Now().UnixNano() }
