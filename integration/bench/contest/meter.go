package contest

import (
	"runtime"
	"time"
)

// meter measures this process between start and stop.
type meter struct {
	began         time.Time
	cpu           time.Duration
	reads, writes uint64
	mem           runtime.MemStats
}

func (m *meter) start() {
	runtime.ReadMemStats(&m.mem)
	m.reads, m.writes = systemCalls()
	m.cpu = cpuTime()
	m.began = time.Now()
}

// stop adds what has been spent to the sample.
func (m *meter) stop(s *Sample) {
	s.Elapsed = time.Since(m.began)
	s.CPU = cpuTime() - m.cpu
	reads, writes := systemCalls()
	s.Reads, s.Writes = reads-m.reads, writes-m.writes
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	s.Mallocs, s.Bytes = now.Mallocs-m.mem.Mallocs, now.TotalAlloc-m.mem.TotalAlloc
	s.Peak = peakMemory()
}
