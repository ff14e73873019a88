package config

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// Run is the run document: everything a process of the mesh needs to know, in one
// object. The launcher resolves it once and hands it to each child over an
// inherited pipe; no child reads flags, files or environment settings again. It
// holds secrets (API key, headers, mesh token): it is never written to a file or
// a log. What may be written down is InputConfig, which is redacted.
type Run struct {
	BenchmarkID string `json:"benchmark_id"` // 12 hex digits
	RunID       string `json:"run_id"`
	ArtifactDir string `json:"artifact_dir"` // absolute
	DatasetDir  string `json:"dataset_dir"`  // absolute; holds the memory-mapped dataset files
	LauncherPID int    `json:"launcher_pid"`

	// Anchor ties the host's two clocks together for every process of the run: credits
	// carry wall times, and two anchors taken at two moments would differ by what the
	// wall clock was slewed or stepped between.
	Anchor clock.Anchor `json:"anchor"`

	// RandomSeed is the root of every named random stream. Nil: none was asked
	// for; ProcessSeed is then random and shared by all processes of the run.
	RandomSeed  *uint64 `json:"random_seed,omitempty"`
	ProcessSeed uint64  `json:"process_seed"`

	CLICommand string `json:"cli_command"` // redacted, shell-quoted
	LogLevel   string `json:"log_level"`   // trace … critical

	Benchmark   Benchmark   `json:"benchmark"`
	Environment Environment `json:"environment"`
	Mesh        Mesh        `json:"mesh"`

	// InputConfig is what the user set, redacted, in the closed schema that readers
	// of the summary JSON accept; InputConfigOwn holds settings outside that schema.
	InputConfig    json.RawMessage `json:"input_config,omitempty"`
	InputConfigOwn json.RawMessage `json:"input_config_own,omitempty"`

	// RecoverReason is set in the run document of processes that were started only to
	// summarise what an aborted run left in its journal; it says what ended the run.
	RecoverReason string `json:"recover_reason,omitempty"`
	// RecoverCancelled: the user had interrupted that run.
	RecoverCancelled bool `json:"recover_cancelled,omitempty"`
	// RecoverDeaths are the processes that it had lost, in order.
	RecoverDeaths []metrics.ProcessDeath `json:"recover_deaths,omitempty"`

	Calibration *Calibration `json:"calibration,omitempty"` // of this machine; nil: never taken

	PluginManifests []string `json:"plugin_manifests,omitempty"` // user manifests, absolute paths
	Warnings        []string `json:"warnings,omitempty"`         // found while resolving; shown on the console and in the JSON
}

// Mesh says where every socket of the run lives and who takes part.
type Mesh struct {
	Token string `json:"token"` // checked at registration

	EventBusFrontend string `json:"event_bus_frontend"` // services publish here (XSUB)
	EventBusBackend  string `json:"event_bus_backend"`  // services and external consumers subscribe here (XPUB)
	Control          string `json:"control"`
	CreditRouter     string `json:"credit_router"`
	CreditReturn     string `json:"credit_return"`
	Records          string `json:"records"`
	Dataset          string `json:"dataset"`
	// RawInference is one address per record processor id.
	RawInference map[string]string `json:"raw_inference"`

	IPCDir string `json:"ipc_dir,omitempty"` // removed at the end
	Curve  *Curve `json:"curve,omitempty"`   // nil: plain sockets

	// MockListener is the bound socket that the embedded server inherits; the launcher
	// alone has it.
	MockListener *os.File `json:"-"`

	// Services are all processes of the run, the controller included, in start order.
	Services []ServiceSpec `json:"services"`
}

// Curve is the key pair of the mesh in ZeroMQ's Z85 text form. Every process of a
// run uses the same pair; a peer that does not know it is refused.
type Curve struct {
	PublicKey string `json:"public_key"`
	SecretKey string `json:"secret_key"`
}

// ServiceSpec is one process to start.
type ServiceSpec struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Benchmark is the resolved benchmark body: defaults applied, every name checked.
type Benchmark struct {
	Models        Models         `json:"models"`
	Endpoint      Endpoint       `json:"endpoint"`
	Dataset       Dataset        `json:"dataset"`
	Phases        []Phase        `json:"phases"`
	Artifacts     Artifacts      `json:"artifacts"`
	Tokenizer     Tokenizer      `json:"tokenizer"`
	GPUTelemetry  GPUTelemetry   `json:"gpu_telemetry"`
	Runtime       Runtime        `json:"runtime"`
	MockServer    map[string]any `json:"mock_server,omitempty"` // set: the embedded server is the target and part of the mesh
	QualityNeeded string         `json:"quality_needed,omitempty"`
	// SLOs are the bounds that a good request keeps, in display units.
	SLOs []metrics.SLO `json:"slos,omitempty"`
}

// Models are the model names to ask for.
type Models struct {
	Names    []string `json:"names"`
	Strategy string   `json:"strategy"` // round_robin, random
}

// Pick deals out the models turn by turn over the whole dataset, or draws one.
func (m Models) Pick(turnNumber int, rng *rand.Rand) string {
	if m.Strategy == "random" {
		return m.Names[rng.IntN(len(m.Names))]
	}
	return m.Names[turnNumber%len(m.Names)]
}

// Endpoint describes the target and the dialect spoken to it.
type Endpoint struct {
	Type                string         `json:"type"`
	URLs                []string       `json:"urls"` // with scheme
	URLStrategy         string         `json:"url_strategy"`
	Path                string         `json:"path,omitempty"` // replaces the type's default path
	Streaming           bool           `json:"streaming"`
	TimeoutSec          float64        `json:"timeout"` // 0 = none
	APIKey              string         `json:"api_key,omitempty"`
	Headers             []Header       `json:"headers,omitempty"`
	Extra               []KeyValue     `json:"extra,omitempty"` // merged into every body, in order
	Transport           string         `json:"transport"`
	ConnectionReuse     string         `json:"connection_reuse"` // pooled, never, sticky_user_sessions
	UseLegacyMaxTokens  bool           `json:"use_legacy_max_tokens"`
	UseServerTokenCount bool           `json:"use_server_token_count"`
	SessionHeader       string         `json:"session_header,omitempty"`
	Capabilities        EndpointTraits `json:"capabilities"` // copied from the manifest
}

// EndpointTraits are the manifest's metadata of the chosen endpoint type.
type EndpointTraits struct {
	MetricsTitle          string `json:"metrics_title"`
	EndpointPath          string `json:"endpoint_path"`
	StreamingPath         string `json:"streaming_path,omitempty"`
	ServiceKind           string `json:"service_kind"`
	SupportsStreaming     bool   `json:"supports_streaming"`
	ProducesTokens        bool   `json:"produces_tokens"`
	TokenizesInput        bool   `json:"tokenizes_input"`
	SupportsImages        bool   `json:"supports_images"`
	SupportsAudio         bool   `json:"supports_audio"`
	SupportsVideos        bool   `json:"supports_videos"`
	ProducesVideos        bool   `json:"produces_videos"`
	ConsumesSystemMessage bool   `json:"consumes_system_message"`
}

// Header is one request header as the user gave it; names may repeat.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// KeyValue is one extra body field. Value is the JSON form.
type KeyValue struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// Phase kinds.
const (
	KindWarmup    = "warmup"
	KindProfiling = "profiling"
)

// Phase types: what paces a phase.
const (
	TypeConcurrency = "concurrency"
	TypeConstant    = "constant"
	TypePoisson     = "poisson"
	TypeGamma       = "gamma"
	TypeUserCentric = "user_centric"
	// TypeFixedSchedule replays the times of a trace.
	TypeFixedSchedule = "fixed_schedule"
)

// Phase is one load window. Pointers distinguish "not set".
type Phase struct {
	Name            string   `json:"name"`
	Kind            string   `json:"kind"` // warmup, profiling
	Type            string   `json:"type"` // concurrency, constant, poisson, gamma, user_centric
	Requests        *int     `json:"requests,omitempty"`
	Sessions        *int     `json:"sessions,omitempty"`
	DurationSec     *float64 `json:"duration,omitempty"`
	Concurrency     *int     `json:"concurrency,omitempty"`
	RatePerSec      *float64 `json:"rate,omitempty"`
	Smoothness      *float64 `json:"smoothness,omitempty"` // of gamma; nil = 1
	ConcurrencyRamp *Ramp    `json:"concurrency_ramp,omitempty"`
	RateRamp        *Ramp    `json:"rate_ramp,omitempty"`
	// RateSeries changes the rate in time, linear between its points; the first one's rate
	// is RatePerSec too.
	RateSeries []messages.RatePoint `json:"rate_series,omitempty"`
	Users      *int                 `json:"users,omitempty"` // of user_centric
	// Of fixed_schedule: what lies outside of the offsets is left out, the first of what is
	// left is moved to the start, and times are divided by the speed-up (0 = 1).
	StartOffsetMS      *float64 `json:"start_offset,omitempty"`
	EndOffsetMS        *float64 `json:"end_offset,omitempty"`
	AutoOffset         bool     `json:"auto_offset,omitempty"`
	Speedup            float64  `json:"speedup,omitempty"`
	GracePeriodSec     float64  `json:"grace_period"`
	GraceInfinite      bool     `json:"grace_infinite"`
	ExcludeFromResults bool     `json:"exclude_from_results"`
	// Seamless begins the phase as soon as the one before has stopped sending, beside the
	// answers which that one still waits for.
	Seamless bool `json:"seamless,omitempty"`
	// FailedThreshold is the share of failed requests, 0 to 1, above which the run is given
	// up; nil goes on to the end.
	FailedThreshold *float64 `json:"failed_request_threshold,omitempty"`
	// Cancellation cuts a share of the phase's requests; nil cuts none.
	Cancellation *Cancellation `json:"cancellation,omitempty"`
}

// Cancellation is the simulation of clients that hang up.
type Cancellation struct {
	RatePct  float64 `json:"rate"`  // share of the requests, percent
	DelaySec float64 `json:"delay"` // after all of the request is sent
}

// TimingMode is the strategy plugin that runs the phase.
func (p Phase) TimingMode() string {
	switch p.Type {
	case TypeUserCentric:
		return "user_centric_rate"
	case TypeFixedSchedule:
		return "fixed_schedule"
	}
	return "request_rate"
}

// ArrivalPattern is the arrival plugin that times the phase; empty when its users do.
func (p Phase) ArrivalPattern() string {
	switch p.Type {
	case TypeConcurrency:
		return "concurrency_burst"
	case TypeUserCentric, TypeFixedSchedule:
		return ""
	}
	return p.Type
}

// Artifacts says what is written where.
type Artifacts struct {
	Dir             string `json:"dir"` // as resolved, absolute
	Prefix          string `json:"prefix,omitempty"`
	Records         bool   `json:"records"` // per-record JSONL
	Summary         bool   `json:"summary"`
	ShowTraceTiming bool   `json:"show_trace_timing"`
	Raw             bool   `json:"raw,omitempty"`                 // raw JSONL; the records are written then too
	Trace           bool   `json:"trace,omitempty"`               // HTTP trace in the records
	Parquet         bool   `json:"parquet,omitempty"`             // records as a Parquet table
	OutputsJSON     bool   `json:"export_outputs_json,omitempty"` // generated texts
}

// Tokenizer is what counts tokens.
type Tokenizer struct {
	Asked    string `json:"asked"`              // --tokenizer, or the first model's name
	Name     string `json:"name"`               // plugin entry that was chosen
	Encoding string `json:"encoding"`           // vocabulary inside it, such as o200k_base
	Path     string `json:"path,omitempty"`     // what the plugin reads; a compiled tokenizer as a rule
	Resolved string `json:"resolved,omitempty"` // its full name on the model hub
	Revision string `json:"revision,omitempty"`
	Needed   bool   `json:"needed"` // the endpoint has text to count
	// ApplyChatTemplate counts inputs as the model reads them, and makes synthetic prompts
	// shorter by what its template adds.
	ApplyChatTemplate bool `json:"apply_chat_template,omitempty"`
}

// GPUTelemetry says where GPU figures come from.
type GPUTelemetry struct {
	Enabled   bool     `json:"enabled"`
	Explicit  bool     `json:"explicit"` // the user passed --gpu-telemetry
	Collector string   `json:"collector"`
	UserURLs  []string `json:"user_urls,omitempty"`    // normalised
	Defaults  []string `json:"default_urls,omitempty"` // tried, shown only when reachable
}

// Runtime is how the mesh itself is built.
type Runtime struct {
	UI                   string  `json:"ui"` // simple, none
	Workers              int     `json:"workers"`
	RecordProcessors     int     `json:"record_processors"`
	StatsIntervalSec     float64 `json:"stats_interval"`
	Communication        string  `json:"communication"` // ipc, tcp
	IPCPath              string  `json:"ipc_path,omitempty"`
	Host                 string  `json:"host,omitempty"`
	Insecure             bool    `json:"insecure"`
	GOMAXPROCSPerWorker  int     `json:"gomaxprocs_per_worker"`
	ConnectionsPerWorker int     `json:"connections_per_worker"`
}

// WriteRun writes the document for a child. The writer is a pipe.
func WriteRun(w io.Writer, run *Run) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // InputConfig goes into files as it is here
	if err := enc.Encode(run); err != nil {
		return fmt.Errorf("write run document: %w", err)
	}
	return nil
}

// ReadRun reads the document that WriteRun wrote, up to the end of r. Unknown keys
// are errors: both ends are the same executable.
func ReadRun(r io.Reader) (*Run, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var run Run
	if err := dec.Decode(&run); err != nil {
		return nil, fmt.Errorf("read run document: %w", err)
	}
	return &run, nil
}
