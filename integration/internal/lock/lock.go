// Package lock keeps processes of one machine from doing the same thing at the same time: the packages of a test run are processes of their own.
package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Install is the lock of those that install packages: apt waits for some of its locks only.
const Install = "/run/lock/herald-test-install.lock"

// check is how often a lock that another process holds is tried again.
const check = 200 * time.Millisecond

// File takes the lock that a file stands for, which it makes if need be, and keeps out others until unlock is called. It waits for them as long as
// ctx lasts. The kernel frees the lock when the process ends.
func File(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // nothing secret
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(check)
	defer again.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // which lets go of it
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, context.Cause(ctx)), f.Close())
		}
	}
}
