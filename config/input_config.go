package config

import (
	"encoding/json"
	"strings"
)

// The types below are the closed schema of `input_config`: what AIPerf's readers
// accept, and nothing else. An unknown key at any depth would make them reject the
// whole summary, so settings of our own go into `input_config_own`.
type inputConfig struct {
	Models        inputModels    `json:"models"`
	Endpoint      inputEndpoint  `json:"endpoint"`
	Datasets      []inputDataset `json:"datasets"`
	Phases        []inputPhase   `json:"phases"`
	Artifacts     inputArtifacts `json:"artifacts"`
	Tokenizer     *inputTokens   `json:"tokenizer,omitempty"`
	GPUTelemetry  *inputGPU      `json:"gpu_telemetry,omitempty"`
	ServerMetrics *inputEnabled  `json:"server_metrics,omitempty"`
	Runtime       *inputRuntime  `json:"runtime,omitempty"`
	Logging       *inputLogging  `json:"logging,omitempty"`
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
}

type inputPrompts struct {
	ISL       *inputNormal `json:"isl,omitempty"`
	OSL       *inputNormal `json:"osl,omitempty"`
	BatchSize *int         `json:"batch_size,omitempty"`
	Corpus    *string      `json:"corpus,omitempty"`
}

type inputNormal struct {
	Mean   float64  `json:"mean"`
	Stddev *float64 `json:"stddev,omitempty"`
}

type inputPhase struct {
	Name               string   `json:"name"`
	Kind               string   `json:"kind"`
	Type               string   `json:"type"`
	ExcludeFromResults bool     `json:"exclude_from_results,omitempty"`
	Requests           *int     `json:"requests,omitempty"`
	Sessions           *int     `json:"sessions,omitempty"`
	Duration           *float64 `json:"duration,omitempty"`
	GracePeriod        any      `json:"grace_period,omitempty"` // seconds, or "inf", which JSON has no number for
	Concurrency        *int     `json:"concurrency,omitempty"`
	Rate               *float64 `json:"rate,omitempty"`
}

type inputArtifacts struct {
	Dir             string  `json:"dir"`
	Prefix          *string `json:"prefix,omitempty"`
	Records         any     `json:"records,omitempty"` // false or ["jsonl"]
	ShowTraceTiming *bool   `json:"show_trace_timing,omitempty"`
}

type inputTokens struct {
	Name            string `json:"name,omitempty"`
	TrustRemoteCode *bool  `json:"trust_remote_code,omitempty"`
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

// describe writes down what the user set, redacted.
func (l *loader) describe() {
	f, b := l.f, &l.run.Benchmark
	in := inputConfig{
		Endpoint:  l.describeEndpoint(),
		Datasets:  []inputDataset{l.describeDataset()},
		Artifacts: inputArtifacts{Dir: b.Artifacts.Dir, Prefix: f.ExportPrefix.pointer(), ShowTraceTiming: f.ShowTraceTiming.pointer()},
	}
	for _, name := range b.Models.Names {
		in.Models.Items = append(in.Models.Items, inputModel{name})
	}
	in.Models.Strategy = f.ModelStrategy.pointer()
	for _, p := range b.Phases {
		in.Phases = append(in.Phases, describePhase(p))
	}
	if f.ExportLevel.Set {
		in.Artifacts.Records = false
		if b.Artifacts.Records {
			in.Artifacts.Records = []string{"jsonl"}
		}
	}
	if f.Tokenizer.Set || f.TrustRemoteCode.Set {
		in.Tokenizer = &inputTokens{Name: f.Tokenizer.Value, TrustRemoteCode: f.TrustRemoteCode.pointer()}
	}
	if f.GPUTelemetry.Set || f.NoGPUTelemetry.Set {
		in.GPUTelemetry = &inputGPU{Enabled: b.GPUTelemetry.Enabled}
		if f.GPUTelemetry.Set {
			in.GPUTelemetry.Collector, in.GPUTelemetry.Mode = b.GPUTelemetry.Collector, "summary"
		}
		for _, u := range b.GPUTelemetry.UserURLs {
			in.GPUTelemetry.URLs = append(in.GPUTelemetry.URLs, RedactURL(u))
		}
	}
	if f.NoServerMetrics.Set {
		in.ServerMetrics = &inputEnabled{!f.NoServerMetrics.Value}
	}
	in.Runtime = l.describeRuntime()
	if f.LogLevel.Set || f.Verbose.Set || f.ExtraVerbose.Set {
		in.Logging = &inputLogging{strings.ToUpper(l.run.LogLevel)}
	}
	l.run.InputConfig = marshal(in)
	own := inputOwn{Plugins: l.run.PluginManifests, Insecure: b.Runtime.Insecure, RequireQuality: b.QualityNeeded, MockServer: b.MockServer}
	if in.Endpoint.Type == "" {
		own.EndpointType = b.Endpoint.Type
	}
	if raw := marshal(own); string(raw) != "{}" {
		l.run.InputConfigOwn = raw
	}
}

func (l *loader) describeEndpoint() inputEndpoint {
	f, e := l.f, &l.run.Benchmark.Endpoint
	in := inputEndpoint{
		URLStrategy: f.URLStrategy.pointer(), Path: f.Path.pointer(), Timeout: f.RequestTimeoutSec.pointer(), Streaming: f.Streaming.pointer(),
		Transport: f.Transport.pointer(), UseLegacyMaxTokens: f.UseLegacyMaxTokens.pointer(), UseServerTokenCount: f.UseServerTokenCount.pointer(),
		SessionHeader: f.SessionHeader.pointer(),
	}
	if entry, err := l.registry.Find("endpoint", e.Type); err == nil && entry.Builtin {
		in.Type = entry.Name
	}
	// The embedded server's address is no setting: it is bound when the run starts.
	if l.run.Benchmark.MockServer == nil {
		for _, u := range e.URLs {
			in.URLs = append(in.URLs, RedactURL(u))
		}
	}
	if f.APIKey.Set {
		in.APIKey = ptr(Redacted)
	}
	if f.ConnectionReuse.Set {
		in.ConnectionReuse = ptr(strings.ReplaceAll(f.ConnectionReuse.Value, "_", "-"))
	}
	if f.Headers.Set {
		var members []KeyValue
		for _, h := range e.Headers {
			value := h.Value
			if SensitiveHeader(h.Name) {
				value = Redacted
			}
			members = setPair(members, KeyValue{h.Name, jsonText(value)})
		}
		in.Headers = json.RawMessage(joinObject(members))
	}
	if f.ExtraInputs.Set {
		in.Extra = json.RawMessage(joinObject(redactFields(e.Extra)))
	}
	return in
}

// redactFields hides the values of sensitive body fields.
func redactFields(fields []KeyValue) []KeyValue {
	out := make([]KeyValue, len(fields))
	for i, kv := range fields {
		if SensitiveField(kv.Key) {
			kv.Value = jsonText(Redacted)
		}
		out[i] = kv
	}
	return out
}

func (l *loader) describeDataset() inputDataset {
	f, d := l.f, &l.run.Benchmark.Dataset
	in := inputDataset{Name: d.Name, Type: d.Type, RandomSeed: d.RandomSeed, Sampling: f.Sampling.pointer(), TurnDelayRatio: f.TurnDelayRatio.pointer()}
	if f.DatasetEntries.Set || f.Sessions.Set || f.RequestCount.Set {
		in.Entries = &d.Entries
	}
	if l.hasText() {
		in.Prompts = &inputPrompts{ISL: &inputNormal{d.ISLMean, f.ISLStddev.pointer()}, BatchSize: f.BatchSize.pointer(), Corpus: f.Corpus.pointer()}
		if f.OSL.Set {
			in.Prompts.OSL = &inputNormal{d.OSLMean, f.OSLStddev.pointer()}
		}
	}
	if f.TurnsMean.Set || f.TurnsStddev.Set {
		in.Turns = &inputNormal{d.TurnsMean, &d.TurnsStddev}
	}
	if f.TurnDelayMeanMS.Set || f.TurnDelayStddevMS.Set {
		in.TurnDelay = &inputNormal{d.TurnDelayMeanMS, &d.TurnDelayStddevMS}
	}
	return in
}

// describePhase shows the load as it was resolved, so that a reader need not know the
// defaults.
func describePhase(p Phase) inputPhase {
	in := inputPhase{
		Name: p.Name, Kind: p.Kind, Type: p.Type, ExcludeFromResults: p.ExcludeFromResults, Requests: p.Requests, Sessions: p.Sessions,
		Duration: p.DurationSec, Concurrency: p.Concurrency, Rate: p.RatePerSec,
	}
	switch {
	case p.DurationSec == nil:
	case p.GraceInfinite:
		in.GracePeriod = "inf"
	default:
		in.GracePeriod = p.GracePeriodSec
	}
	return in
}

func (l *loader) describeRuntime() *inputRuntime {
	f, rt := l.f, &l.run.Benchmark.Runtime
	in := inputRuntime{Workers: f.Workers.pointer(), RecordProcessors: f.RecordProcessors.pointer(), StatsInterval: f.StatsIntervalSec.pointer()}
	if f.UI.Set || f.Verbose.Value || f.ExtraVerbose.Value {
		in.UI = &rt.UI
	}
	switch {
	case f.ZMQHost.Set:
		in.Communication = map[string]string{"type": "tcp", "host": rt.Host}
	case f.ZMQIPCPath.Set:
		in.Communication = map[string]string{"type": "ipc", "path": rt.IPCPath}
	}
	if in.UI == nil && in.Workers == nil && in.RecordProcessors == nil && in.StatsInterval == nil && in.Communication == nil {
		return nil
	}
	return &in
}

// marshal writes JSON with readable <, > and &.
func marshal(v any) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil // plain values always have a JSON form
	}
	return json.RawMessage(strings.TrimRight(b.String(), "\n"))
}
