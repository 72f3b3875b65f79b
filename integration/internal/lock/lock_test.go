package lock_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/internal/lock"
)

func TestFile_KeepsOthersOutUntilItIsLetGo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "made", "lock")
	unlock, err := lock.File(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := lock.File(short, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second one gets %v, want to wait until its context ends", err)
	}
	unlock()
	again, err := lock.File(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
