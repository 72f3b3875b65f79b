//go:build unix

package source_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/internal/source"
)

func TestRemoveFolder_LeavesAProcessThatTookANumberOver(t *testing.T) {
	t.Parallel()
	stranger := exec.CommandContext(t.Context(), "sleep", "600")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as brokers are started
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = stranger.Wait()
	}()
	dir := t.TempDir()
	broker := filepath.Join(dir, "redis-1")
	if err := os.Mkdir(broker, 0o700); err != nil {
		t.Fatal(err)
	}
	note := fmt.Sprintf(`{"Host":%q,"PID":%d,"Start":"1"}`+"\n", source.Hostname(), stranger.Process.Pid)
	if err := os.WriteFile(filepath.Join(broker, "started"), []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := source.RemoveFolder(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	select {
	case <-ended:
		t.Error("a process that nobody here had started was ended")
	case <-time.After(200 * time.Millisecond):
	}
	_ = stranger.Process.Kill()
	<-ended
}
