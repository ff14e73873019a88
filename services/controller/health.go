package controller

import (
	"context"
	"sync"
	"time"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

// Worker statuses, by the first rule that matches a worker's health message.
const (
	statusError    = "error"     // its failed count rose, or did so a moment ago
	statusHighLoad = "high_load" // it uses its cores up, or did so a moment ago
	statusIdle     = "idle"      // nothing in progress
	statusHealthy  = "healthy"
	statusStale    = "stale" // silent for too long
)

// healthBoard turns workers' health messages into a status each. Every worker
// starts from zero, so that failures in its first message count. It is safe for
// concurrent use.
type healthBoard struct {
	env     config.Environment
	mu      sync.Mutex
	workers map[string]*workerHealth
}

type workerHealth struct {
	startup    string
	status     string
	failed     int64
	lastError  clock.MonoNS
	lastLoaded clock.MonoNS
	lastHeard  clock.MonoNS
}

func newHealthBoard(env config.Environment) *healthBoard {
	return &healthBoard{env: env, workers: map[string]*workerHealth{}}
}

func (b *healthBoard) worker(id string) *workerHealth {
	w := b.workers[id]
	if w == nil {
		w = &workerHealth{status: statusIdle, startup: messages.WorkerStarting}
		b.workers[id] = w
	}
	return w
}

// hear applies one health message and tells whether the worker has just come under
// high load.
func (b *healthBoard) hear(id string, m *messages.WorkerHealth, now clock.MonoNS) (newlyLoaded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.worker(id)
	w.lastHeard = now
	if m.TaskStats.Failed > w.failed {
		w.failed, w.lastError = m.TaskStats.Failed, now
	}
	loaded := m.Health.CPUUsage > b.env.Worker.HighLoadCPUUsagePct
	if loaded {
		newlyLoaded = w.lastLoaded == 0
		w.lastLoaded = now
	}
	within := func(at clock.MonoNS, sec float64) bool { return at != 0 && now.Sub(at) < bootstrap.Seconds(sec) }
	switch t := m.TaskStats; {
	case within(w.lastError, b.env.Worker.ErrorRecoverySec):
		w.status = statusError
	case loaded || within(w.lastLoaded, b.env.Worker.HighLoadRecoverySec):
		w.status = statusHighLoad
	case t.Total == 0 || t.Total == t.Failed+t.Completed:
		w.status = statusIdle
	default:
		w.status = statusHealthy
	}
	return newlyLoaded
}

func (b *healthBoard) startup(id, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.worker(id).startup = state
}

func (b *healthBoard) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.workers, id)
}

// summary is the digest of all workers; nil when there is none yet.
func (b *healthBoard) summary(now clock.MonoNS) *messages.WorkerStatusSummary {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.workers) == 0 {
		return nil
	}
	s := &messages.WorkerStatusSummary{WorkerStatuses: map[string]string{}, WorkerStartupStates: map[string]string{}}
	for id, w := range b.workers {
		if w.lastHeard != 0 && now.Sub(w.lastHeard) > bootstrap.Seconds(b.env.Worker.StaleTimeSec) {
			w.status = statusStale
		}
		s.WorkerStatuses[id], s.WorkerStartupStates[id] = w.status, w.startup
	}
	return s
}

// onWorkerHealth takes a worker's reading; the last words of one that is gone do not
// bring it back.
func (c *Controller) onWorkerHealth(_ context.Context, from messages.Header, m *messages.WorkerHealth) error {
	if !c.registry.known(from.ServiceID) {
		return nil
	}
	if c.health.hear(from.ServiceID, m, clock.Now()) {
		c.log.Warn("worker is under high load; results may be inaccurate", "worker", from.ServiceID, "cpu_percent", int(m.Health.CPUUsage))
	}
	return nil
}

func (c *Controller) onWorkerStartup(_ context.Context, from messages.Header, m *messages.WorkerStartupState) error {
	if c.registry.typeOf(from.ServiceID) != "" {
		c.health.startup(from.ServiceID, m.StartupState)
	}
	return nil
}

// summariseWorkers publishes the digest at its interval until the run ends.
func (c *Controller) summariseWorkers() {
	t := time.NewTicker(bootstrap.Seconds(c.doc.Environment.Worker.StatusSummaryIntervalSec))
	defer t.Stop()
	for {
		select {
		case <-c.run.Done():
			return
		case <-t.C:
			if s := c.health.summary(clock.Now()); s != nil {
				c.out.Publish(s)
			}
		}
	}
}
