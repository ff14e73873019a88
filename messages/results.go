package messages

import (
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
)

// RealtimeMetrics is the running phase summarised so far, in display units.
type RealtimeMetrics struct {
	Metrics msgpack.RawMessage `msgpack:"metrics"` // list of metric results (above)
}

func (*RealtimeMetrics) MessageType() string { return "realtime_metrics" }

// ProcessRecordsResult is the profile result, records manager to controller and to
// watchers. Its inside is a value of the exporters, carried as it is.
type ProcessRecordsResult struct {
	Results msgpack.RawMessage `msgpack:"results"` // profile result (above)
}

func (*ProcessRecordsResult) MessageType() string { return "process_records_result" }

// ProcessTelemetryResult is the GPU result.
type ProcessTelemetryResult struct {
	TelemetryResult msgpack.RawMessage `msgpack:"telemetry_result"` // GPU result (above)
}

func (*ProcessTelemetryResult) MessageType() string { return "process_telemetry_result" }

// TelemetryStatus says which GPU sources answer.
type TelemetryStatus struct {
	Enabled             bool     `msgpack:"enabled"`              // false: no GPU figures in this run
	Reason              string   `msgpack:"reason,omitempty"`     // why not
	EndpointsConfigured []string `msgpack:"endpoints_configured"` // URLs that were tried
	EndpointsReachable  []string `msgpack:"endpoints_reachable"`  // URLs that answered
}

func (*TelemetryStatus) MessageType() string { return "telemetry_status" }

// GPUSample is one reading of one GPU.
type GPUSample struct {
	GPUIndex     int                `msgpack:"gpu_index"`
	GPUUUID      string             `msgpack:"gpu_uuid"`
	GPUModelName string             `msgpack:"gpu_model_name"`
	PCIBusID     string             `msgpack:"pci_bus_id,omitempty"`
	Device       string             `msgpack:"device,omitempty"`
	Hostname     string             `msgpack:"hostname,omitempty"`
	Namespace    string             `msgpack:"namespace,omitempty"`
	PodName      string             `msgpack:"pod_name,omitempty"`
	Platform     string             `msgpack:"platform"` // nvidia, amd, unknown
	TimestampNS  clock.WallNS       `msgpack:"timestamp_ns"`
	SourceURL    string             `msgpack:"telemetry_source_url"`
	Data         map[string]float64 `msgpack:"telemetry_data"` // field → value in its display unit; finite
}

// TelemetryRecords is a batch of samples from one collector.
type TelemetryRecords struct {
	CollectorID        string        `msgpack:"collector_id"`
	TelemetrySourceURL string        `msgpack:"telemetry_source_url"`
	Records            []GPUSample   `msgpack:"records"`
	Error              *ErrorDetails `msgpack:"error,omitempty"`
	Sequence           int64         `msgpack:"sequence"` // from 1, per sender
	// CollectionComplete marks the last batch of the run; everything up to its
	// sequence belongs to the result.
	CollectionComplete bool `msgpack:"collection_complete,omitempty"`
}

func (*TelemetryRecords) MessageType() string { return "telemetry_records" }

// RunReport is the controller's last word to the launcher: what to show and how
// the run ended.
type RunReport struct {
	Report       msgpack.RawMessage `msgpack:"report,omitempty"` // the exporters' report; absent when there is nothing to show
	ExitErrors   []ExitError        `msgpack:"exit_errors,omitempty"`
	ExitCode     int                `msgpack:"exit_code"`
	WasCancelled bool               `msgpack:"was_cancelled"`
}

func (*RunReport) MessageType() string { return "run_report" }
