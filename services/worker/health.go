package worker

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"aiperf/clock"
	"aiperf/messages"
)

// meter reads what this process uses. It belongs to one goroutine.
type meter struct {
	cores   int // it may use
	created clock.WallNS
	born    clock.MonoNS

	lastCPU, peakCPU time.Duration // at the last reading; at the last second
	lastAt, peakAt   clock.MonoNS
	peak             float64 // percent
}

func newMeter(cores int) *meter {
	m := &meter{cores: max(1, cores), created: clock.Wall(), born: clock.Now()}
	m.lastCPU, m.lastAt = cpuTime(), clock.Now()
	m.peakCPU, m.peakAt = m.lastCPU, m.lastAt
	return m
}

func rusage() (u unix.Rusage) {
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // cannot fail for the process itself
	return u
}

func cpuTime() time.Duration {
	u := rusage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// percent is CPU time over wall time; 100 means all cores that the worker may use.
func (m *meter) percent(cpu, wall time.Duration) float64 {
	if wall <= 0 {
		return 0
	}
	return 100 * float64(cpu) / float64(wall) / float64(m.cores)
}

// tick notes the second that has passed.
func (m *meter) tick() {
	cpu, now := cpuTime(), clock.Now()
	m.peak = max(m.peak, m.percent(cpu-m.peakCPU, now.Sub(m.peakAt)))
	m.peakCPU, m.peakAt = cpu, now
}

// read returns the state since the last reading.
func (m *meter) read() messages.ProcessHealth {
	u, now := rusage(), clock.Now()
	user, system := time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
	h := messages.ProcessHealth{
		PID: os.Getpid(), CreateTime: float64(m.created) / 1e9, Uptime: now.Sub(m.born).Seconds(),
		CPUUsage:       m.percent(user+system-m.lastCPU, now.Sub(m.lastAt)),
		CPUTimes:       []float64{user.Seconds(), system.Seconds(), 0},
		NumCtxSwitches: []int64{int64(u.Nvcsw), int64(u.Nivcsw)},
	}
	readSystem(&h)
	m.lastCPU, m.lastAt = user+system, now
	return h
}

// reportHealth publishes the worker's health at an interval until ctx ends. state fills in
// what the meter does not know.
func reportHealth(ctx context.Context, interval time.Duration, m *meter, state func(*messages.WorkerHealth), publish func(messages.Message)) {
	second, due := time.NewTicker(min(time.Second, interval)), time.NewTicker(interval)
	defer second.Stop()
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
			m.tick()
		case <-due.C:
			h := &messages.WorkerHealth{Health: m.read(), CPUPeakUsage: m.peak}
			state(h)
			publish(h)
		}
	}
}
