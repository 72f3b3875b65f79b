//go:build unix

package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// processesWork tells whether this system has what local brokers need.
const processesWork = true

// apart makes a command the leader of a session of its own: a signal to it reaches all of its processes, and one from the terminal none.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func signalGroup(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(-pid, sig); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return fmt.Errorf("signal process group %d: %w", pid, err)
	}
	return nil
}

// startOf tells when a process started, in words that differ for two processes of one number. The error wraps os.ErrNotExist where there is no
// such process. A process that has ended and was not waited for is as good as none.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		// proc(5): the name in parentheses may hold anything; the state is the first field after it, the start the twentieth.
		_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 20 || fields[0] == "Z" {
			return "", fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
		}
		return fields[19], nil
	}
	if _, noProc := os.Stat("/proc/self/stat"); noProc == nil {
		return "", fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
	}
	out, err := exec.CommandContext(context.Background(), "ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if start := strings.TrimSpace(string(out)); start != "" {
		return start, nil
	}
	return "", fmt.Errorf("process %d: %w", pid, errors.Join(os.ErrNotExist, err))
}
