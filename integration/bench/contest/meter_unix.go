//go:build unix

package contest

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// cpuTime is the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the most resident memory that this process has had, in bytes. Linux's own count for resources goes on from that of the process
// that started this one, so its list of the process's memory is read instead.
func peakMemory() int64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		return highWater(status)
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	peak := int64(u.Maxrss) //nolint:unconvert // it has 32 bits on some systems
	if runtime.GOOS == "darwin" {
		return peak
	}
	return peak * 1024 // everywhere else it counts kilobytes
}

// highWater reads VmHWM, which is in kilobytes.
func highWater(status []byte) int64 {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) > 1 && string(fields[0]) == "VmHWM:" {
			kilobytes, _ := strconv.ParseInt(string(fields[1]), 10, 64)
			return kilobytes * 1024
		}
	}
	return 0
}

// systemCalls are the calls of read and write that this process has made, where the system counts them.
func systemCalls() (reads, writes uint64) {
	counts, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, 0
	}
	lines := bufio.NewScanner(bytes.NewReader(counts))
	for lines.Scan() {
		name, count, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch n, _ := strconv.ParseUint(string(count), 10, 64); string(name) {
		case "syscr":
			reads = n
		case "syscw":
			writes = n
		}
	}
	return reads, writes
}
