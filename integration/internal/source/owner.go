package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Process names one process for ever: by its number on a host, and by when it started, since numbers are used again.
type Process struct {
	Host  string
	PID   int
	Start string
}

// self returns this process.
func self() (Process, error) { return processOf(os.Getpid()) }

func processOf(pid int) (Process, error) {
	start, err := startOf(pid)
	return Process{Host: hostname(), PID: pid, Start: start}, err
}

// gone reports whether the process surely runs no more: it was on this host, and is not there now.
func (p Process) gone() bool {
	if p.PID <= 0 || p.Host != hostname() {
		return false
	}
	start, err := startOf(p.PID)
	if err == nil {
		return start != p.Start
	}
	return errors.Is(err, os.ErrNotExist)
}

// signal sends a signal to the process group that the process leads, if it is still the one that was started.
func (p Process) signal(sig syscall.Signal) error {
	if p.gone() || p.Host != hostname() {
		return fmt.Errorf("process %d: %w", p.PID, os.ErrProcessDone)
	}
	return signalGroup(p.PID, sig)
}

// hostname tells hosts apart, and containers on one host, whose processes do not see each other.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	if space, err := os.Readlink("/proc/self/ns/pid"); err == nil {
		name += " " + space
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		name += " " + strings.TrimSpace(string(boot))
	}
	return name
}

// String is for labels and files; parseProcess reads it.
func (p Process) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // a struct of strings and a number always marshals
	}
	return string(text)
}

func parseProcess(text string) (p Process, err error) {
	err = json.Unmarshal([]byte(text), &p)
	return p, err
}

// Names of what a folder of brokers holds beside their data.
const (
	foldersPrefix = "herald-brokers-"
	ownerFile     = "owner"
	startedFile   = "started" // by broker: a line for each process
)

// NewFolder makes a folder for the brokers of this process. It is reaped with what runs in it once the process is gone.
func NewFolder() (string, error) {
	owner, err := self()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", foldersPrefix)
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, ownerFile), []byte(owner.String()), 0o600)
}

// record notes in a broker's folder that a process was started for it.
func record(dir string, p Process) error {
	f, err := os.OpenFile(filepath.Join(dir, startedFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, p)
	return errors.Join(err, f.Close())
}

// killStarted kills what runs of the processes that were started for the broker in dir.
func killStarted(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, startedFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for line := range strings.Lines(string(text)) {
		p, err := parseProcess(line)
		if err != nil {
			continue // the last words of a process that was killed while it wrote
		}
		if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
