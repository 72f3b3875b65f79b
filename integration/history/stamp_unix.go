//go:build unix

package history

import "golang.org/x/sys/unix"

// Now returns the present stamp: nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share and nobody sets.
func Now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // POSIX has it on every machine; without stamps files are merged by their names
	}
	return t.Nano()
}
