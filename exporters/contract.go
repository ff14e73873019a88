package exporters

import (
	"context"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
)

// Profile is what a run's requests came to, in display units: made by the records
// manager, carried in process_records_result, shown by exporters. Summaries hold
// requests of profiling phases only, unless their name says otherwise.
type Profile struct {
	Records       []metrics.Result `msgpack:"records"`
	WarmupRecords []metrics.Result `msgpack:"warmup_records,omitempty"`

	TotalExpected          *int64 `msgpack:"total_expected,omitempty"` // requests; nil when the run was not bounded by a count
	Completed              int64  `msgpack:"completed"`                // requests with a record
	SuccessfulRequestCount int64  `msgpack:"successful_request_count"`
	ErrorRequestCount      int64  `msgpack:"error_request_count"` // lost ones included
	CancelledRequestCount  int64  `msgpack:"cancelled_request_count"`

	StartNS clock.WallNS `msgpack:"start_ns"` // of the first profiling phase
	EndNS   clock.WallNS `msgpack:"end_ns"`   // of the last profiling request

	WasCancelled     bool   `msgpack:"was_cancelled"`
	IsComplete       bool   `msgpack:"is_complete"`
	IncompleteReason string `msgpack:"incomplete_reason,omitempty"`

	ErrorSummary []messages.ErrorCount `msgpack:"error_summary"`
	Quality      metrics.Quality       `msgpack:"measurement_quality"`
	LoadSeries   *metrics.LoadSeries   `msgpack:"load_series,omitempty"` // nil when nothing was asked for
	// BranchStats are nil when no conversation starts others.
	BranchStats *messages.BranchStats `msgpack:"branch_stats,omitempty"`
	// SessionsCut counts sessions that ended before their last turn with a lost worker,
	// and CutSessions names them, as far as there is room.
	SessionsCut int64                 `msgpack:"sessions_cut,omitempty"`
	CutSessions []messages.CutSession `msgpack:"cut_sessions,omitempty"`
	TTFTByTurn  []metrics.TurnLatency `msgpack:"ttft_by_turn,omitempty"` // sessions of several turns only
	// Phases are the phases that ran, one by one in their order, when there were several.
	Phases []PhaseResult `msgpack:"phases,omitempty"`
	// Errors are what went wrong while the results were made; a fatal one has
	// details {"fatal": true}.
	Errors []messages.ErrorDetails `msgpack:"errors,omitempty"`
}

// PhaseResult is what one phase came to. Its profile holds its own requests, also those
// of a warmup, and no phases.
type PhaseResult struct {
	Index          int     `msgpack:"phase_index"`               // from 0, over all phases
	ProfilingIndex *int    `msgpack:"profiling_index,omitempty"` // from 0, over the profiling phases; nil in a warmup
	Name           string  `msgpack:"phase_name"`
	Kind           string  `msgpack:"phase_kind"` // warmup, profiling
	Profile        Profile `msgpack:"profile"`

	Telemetry         *Telemetry `msgpack:"telemetry,omitempty"` // nil when no GPU was seen meanwhile
	TelemetryWarnings []string   `msgpack:"telemetry_warnings,omitempty"`
}

// Telemetry is what the GPUs did meanwhile.
type Telemetry struct {
	EndpointsConfigured []string              `msgpack:"endpoints_configured"`
	EndpointsSuccessful []string              `msgpack:"endpoints_successful"`
	StartNS             clock.WallNS          `msgpack:"start_ns"`
	EndNS               clock.WallNS          `msgpack:"end_ns"`
	Endpoints           []TelemetryEndpoint   `msgpack:"endpoints"`
	ErrorSummary        []messages.ErrorCount `msgpack:"error_summary"`
}

// TelemetryEndpoint is one source of GPU figures; Display is its short form, such as
// n1:9400.
type TelemetryEndpoint struct {
	URL     string `msgpack:"url"`
	Display string `msgpack:"display"`
	GPUs    []GPU  `msgpack:"gpus"`
}

// GPU is one device with its metrics, in the order of the field table.
type GPU struct {
	Key       string           `msgpack:"key"` // gpu_<index>, made unique inside its endpoint
	Index     int              `msgpack:"gpu_index"`
	Name      string           `msgpack:"gpu_name"`
	UUID      string           `msgpack:"gpu_uuid"`
	Platform  string           `msgpack:"platform"`
	Hostname  string           `msgpack:"hostname"`
	Namespace string           `msgpack:"namespace,omitempty"`
	PodName   string           `msgpack:"pod_name,omitempty"`
	Metrics   []metrics.Result `msgpack:"metrics"`
	// XIDCodes are the distinct codes other than 0 that the GPU reported as its last error.
	XIDCodes []int64 `msgpack:"nvidia_xid_codes,omitempty"`
}

// Report is everything there is to show of a finished run. It travels from the
// controller to the launcher inside run_report.
type Report struct {
	Profile         *Profile                  `msgpack:"profile"`
	Telemetry       *Telemetry                `msgpack:"telemetry,omitempty"`
	TelemetryStatus *messages.TelemetryStatus `msgpack:"telemetry_status,omitempty"`
	Files           []string                  `msgpack:"files,omitempty"` // written, absolute
	FailedExporters []string                  `msgpack:"failed_exporters,omitempty"`
}

// DataExporter writes one file of finished results. A file is written under a
// temporary name and renamed. No path and no error: the exporter had nothing to do.
type DataExporter interface {
	Export(ctx context.Context, run *config.Run, r *Report) (path string, err error)
}

// DataExporterConstructor makes one; plugins of category "data_exporter" register it.
type DataExporterConstructor = func() DataExporter

// ConsoleExporter renders one block of the final report; an empty one is left out.
type ConsoleExporter interface {
	Render(c *Console, run *config.Run, r *Report)
}

// ConsoleExporterConstructor makes one; plugins of category "console_exporter"
// register it. Blocks appear in the order of the manifest.
type ConsoleExporterConstructor = func() ConsoleExporter

// Stream writes a file record by record. Which records it takes is told by the
// optional interfaces below. It belongs to one goroutine.
type Stream interface {
	// Flush hands what is buffered to the kernel.
	Flush() error
	// Close makes the file whole and durable. It may be called twice.
	Close() error
}

// RecordStream takes finished requests.
type RecordStream interface {
	Stream
	Record(r *messages.MetricRecord) error
}

// TelemetryStream takes GPU samples.
type TelemetryStream interface {
	Stream
	Telemetry(m *messages.TelemetryRecords) error
}

// StreamConstructor opens a stream for a run; nil without an error means that the run
// does not want it. Plugins of category "stream_exporter" register it.
type StreamConstructor = func(run *config.Run) (Stream, error)
