package config

import (
	"encoding/json"

	"aiperf/messages"
)

// The types below are the closed schema of `input_config`: what AIPerf's readers
// accept, and nothing else. An unknown key at any depth would make them reject the
// whole summary, so settings of our own go into `input_config_own`.
type inputConfig struct {
	Models        inputModels        `json:"models"`
	Endpoint      inputEndpoint      `json:"endpoint"`
	Datasets      []inputDataset     `json:"datasets"`
	Phases        []inputPhase       `json:"phases"`
	Artifacts     inputArtifacts     `json:"artifacts"`
	SLOs          map[string]float64 `json:"slos,omitempty"`
	Tokenizer     *inputTokens       `json:"tokenizer,omitempty"`
	GPUTelemetry  *inputGPU          `json:"gpu_telemetry,omitempty"`
	ServerMetrics *inputEnabled      `json:"server_metrics,omitempty"`
	Runtime       *inputRuntime      `json:"runtime,omitempty"`
	Logging       *inputLogging      `json:"logging,omitempty"`
}

type inputModels struct {
	Items    []inputModel `json:"items"`
	Strategy *string      `json:"strategy,omitempty"`
}

type inputModel struct {
	Name string `json:"name"`
}

type inputEndpoint struct {
	URLs                []string        `json:"urls,omitempty"`
	URLStrategy         *string         `json:"url_strategy,omitempty"`
	Type                string          `json:"type,omitempty"`
	Path                *string         `json:"path,omitempty"`
	APIKey              *string         `json:"api_key,omitempty"`
	Timeout             *float64        `json:"timeout,omitempty"`
	Streaming           *bool           `json:"streaming,omitempty"`
	Transport           *string         `json:"transport,omitempty"`
	ConnectionReuse     *string         `json:"connection_reuse,omitempty"`
	UseLegacyMaxTokens  *bool           `json:"use_legacy_max_tokens,omitempty"`
	UseServerTokenCount *bool           `json:"use_server_token_count,omitempty"`
	SessionHeader       *string         `json:"session_header,omitempty"`
	Headers             json.RawMessage `json:"headers,omitempty"`
	Extra               json.RawMessage `json:"extra,omitempty"`
}

type inputDataset struct {
	Name           string        `json:"name"`
	Type           string        `json:"type"`
	Entries        *int          `json:"entries,omitempty"`
	RandomSeed     *uint64       `json:"random_seed,omitempty"`
	Sampling       *string       `json:"sampling,omitempty"`
	Prompts        *inputPrompts `json:"prompts,omitempty"`
	Turns          *inputNormal  `json:"turns,omitempty"`
	TurnDelay      *inputNormal  `json:"turn_delay,omitempty"`
	TurnDelayRatio *float64      `json:"turn_delay_ratio,omitempty"`

	PrefixPrompts    *PrefixPrompts `json:"prefix_prompts,omitempty"`
	SystemPrompt     *string        `json:"system_prompt,omitempty"`
	SystemPromptFile *string        `json:"system_prompt_file,omitempty"`
	Images           *inputImages   `json:"images,omitempty"`
	Audio            *inputAudio    `json:"audio,omitempty"`
	Rankings         *inputRankings `json:"rankings,omitempty"`

	Path      *string      `json:"path,omitempty"` // of a file
	Format    *string      `json:"format,omitempty"`
	BlockSize *int         `json:"block_size,omitempty"`
	OSL       *inputNormal `json:"osl,omitempty"`
}

type inputImages struct {
	BatchSize      int          `json:"batch_size"`
	Width          *inputNormal `json:"width"`
	Height         *inputNormal `json:"height"`
	Format         string       `json:"format"`
	Source         string       `json:"source"`
	SourceSampling *string      `json:"source_sampling,omitempty"`
}

type inputAudio struct {
	BatchSize   int          `json:"batch_size"`
	Length      *inputNormal `json:"length"`
	Format      string       `json:"format"`
	Depths      []int        `json:"depths"`
	SampleRates []float64    `json:"sample_rates"`
	Channels    int          `json:"channels"`
}

type inputRankings struct {
	Passages      *inputNormal `json:"passages"`
	PassageTokens *inputNormal `json:"passage_tokens"`
	QueryTokens   *inputNormal `json:"query_tokens"`
}

type inputBucket struct {
	ISL         *inputNormal `json:"isl"`
	OSL         *inputNormal `json:"osl"`
	Probability float64      `json:"probability"`
}

type inputPrompts struct {
	ISL       *inputNormal `json:"isl,omitempty"`
	OSL       *inputNormal `json:"osl,omitempty"`
	BatchSize *int         `json:"batch_size,omitempty"`
	Corpus    *string      `json:"corpus,omitempty"`

	SequenceDistribution []inputBucket      `json:"sequence_distribution,omitempty"`
	RangeRatio           map[string]float64 `json:"random_range_ratio,omitempty"`
	CorpusStyle          *string            `json:"random_corpus_style,omitempty"`
}

type inputNormal struct {
	Mean   float64  `json:"mean"`
	Stddev *float64 `json:"stddev,omitempty"`
}

type inputPhase struct {
	Name               string               `json:"name"`
	Kind               string               `json:"kind"`
	Type               string               `json:"type"`
	ExcludeFromResults bool                 `json:"exclude_from_results,omitempty"`
	Requests           *int                 `json:"requests,omitempty"`
	Sessions           *int                 `json:"sessions,omitempty"`
	Duration           *float64             `json:"duration,omitempty"`
	GracePeriod        any                  `json:"grace_period,omitempty"` // seconds, or "inf", which JSON has no number for
	Concurrency        *int                 `json:"concurrency,omitempty"`
	Rate               *float64             `json:"rate,omitempty"`
	Smoothness         *float64             `json:"smoothness,omitempty"`
	ConcurrencyRamp    *Ramp                `json:"concurrency_ramp,omitempty"`
	RateRamp           *Ramp                `json:"rate_ramp,omitempty"`
	RateSeries         []messages.RatePoint `json:"rate_series,omitempty"`
	Users              *int                 `json:"users,omitempty"`
	AutoOffset         bool                 `json:"auto_offset,omitempty"` // of a fixed schedule
	StartOffset        *float64             `json:"start_offset,omitempty"`
	EndOffset          *float64             `json:"end_offset,omitempty"`
	Seamless           bool                 `json:"seamless,omitempty"`

	FailedThreshold *float64      `json:"failed_request_threshold,omitempty"`
	Cancellation    *Cancellation `json:"cancellation,omitempty"`
}

type inputArtifacts struct {
	Dir             string  `json:"dir"`
	Prefix          *string `json:"prefix,omitempty"`
	Records         any     `json:"records,omitempty"` // false or ["jsonl"]
	Raw             *bool   `json:"raw,omitempty"`
	Trace           *bool   `json:"trace,omitempty"`
	ShowTraceTiming *bool   `json:"show_trace_timing,omitempty"`
	ExportOutputs   *bool   `json:"export_outputs_json,omitempty"`
}

type inputTokens struct {
	Name              string `json:"name,omitempty"`
	Revision          string `json:"revision,omitempty"`
	TrustRemoteCode   *bool  `json:"trust_remote_code,omitempty"`
	ApplyChatTemplate *bool  `json:"apply_chat_template,omitempty"`
}

type inputGPU struct {
	Enabled   bool     `json:"enabled"`
	URLs      []string `json:"urls,omitempty"`
	Collector string   `json:"collector,omitempty"`
	Mode      string   `json:"mode,omitempty"`
}

type inputEnabled struct {
	Enabled bool `json:"enabled"`
}

type inputRuntime struct {
	UI               *string           `json:"ui,omitempty"`
	Workers          *int              `json:"workers,omitempty"`
	RecordProcessors *int              `json:"record_processors,omitempty"`
	StatsInterval    *float64          `json:"stats_interval,omitempty"`
	Communication    map[string]string `json:"communication,omitempty"`
}

type inputLogging struct {
	Level string `json:"level"`
}

// inputOwn are settings outside that schema.
type inputOwn struct {
	Plugins        []string       `json:"plugins,omitempty"`
	EndpointType   string         `json:"endpoint_type,omitempty"` // of a plugin that AIPerf does not have
	Insecure       bool           `json:"insecure,omitempty"`
	RequireQuality string         `json:"require_quality,omitempty"`
	MockServer     map[string]any `json:"mock_server,omitempty"`
}
