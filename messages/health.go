package messages

import "aiperf/clock"

// ProcessHealth is one reading of a process.
type ProcessHealth struct {
	PID         int     `msgpack:"pid"`
	CreateTime  float64 `msgpack:"create_time"`           // epoch seconds
	Uptime      float64 `msgpack:"uptime"`                // seconds
	CPUUsage    float64 `msgpack:"cpu_usage"`             // percent of the cores it may use, since the last reading
	MemoryUsage int64   `msgpack:"memory_usage"`          // resident bytes
	NumThreads  int     `msgpack:"num_threads,omitempty"` // threads of the operating system
	// IOCounters: read_count, write_count, read_bytes, write_bytes, read_chars, write_chars.
	IOCounters []int64 `msgpack:"io_counters,omitempty"`
	// CPUTimes: user, system, iowait, in seconds.
	CPUTimes []float64 `msgpack:"cpu_times,omitempty"`
	// NumCtxSwitches: voluntary, involuntary.
	NumCtxSwitches []int64 `msgpack:"num_ctx_switches,omitempty"`
}

// TaskStats counts a worker's requests; in progress = total − failed − completed.
type TaskStats struct {
	Total     int64 `msgpack:"total"`     // requests taken up
	Failed    int64 `msgpack:"failed"`    // requests that failed
	Completed int64 `msgpack:"completed"` // requests that succeeded
}

// WorkerHealth is published by each worker at an interval.
type WorkerHealth struct {
	Health    ProcessHealth `msgpack:"health"`
	TaskStats TaskStats     `msgpack:"task_stats"`
	// CPUPeakUsage is the highest cpu_usage seen over one second, percent.
	CPUPeakUsage float64 `msgpack:"cpu_peak_usage,omitempty"`
	// BacklogWaits counts sends that waited for a full queue.
	BacklogWaits int64 `msgpack:"backlog_waits,omitempty"`
	// ClockSteps counts jumps of the wall clock by more than 1 ms that this worker saw.
	// All workers of a host see the same ones.
	ClockSteps int64 `msgpack:"clock_steps,omitempty"`
}

func (*WorkerHealth) MessageType() string { return "worker_health" }

// Worker start-up states.
const (
	WorkerStarting          = "starting"
	WorkerWaitingForDataset = "waiting_for_dataset"
	WorkerRouterProbing     = "router_probing"
	WorkerReady             = "ready"
	WorkerShuttingDown      = "shutting_down"
)

// WorkerStartupState tells how far a worker has come.
type WorkerStartupState struct {
	StartupState string       `msgpack:"startup_state"`        // starting, waiting_for_dataset, router_probing, ready, shutting_down
	RequestNS    clock.WallNS `msgpack:"request_ns,omitempty"` // when it came to that
}

func (*WorkerStartupState) MessageType() string { return "worker_startup_state" }

// WorkerStatusSummary is the controller's digest of all workers.
type WorkerStatusSummary struct {
	WorkerStatuses      map[string]string `msgpack:"worker_statuses"`       // by worker id: healthy, high_load, error, idle, stale
	WorkerStartupStates map[string]string `msgpack:"worker_startup_states"` // by worker id, as in worker_startup_state
}

func (*WorkerStatusSummary) MessageType() string { return "worker_status_summary" }
