package config

import (
	"encoding/json"
	"strings"

	"aiperf/dataset"
)

// describe writes down what the user set, redacted.
func (l *loader) describe() {
	f, b := l.f, &l.run.Benchmark
	in := inputConfig{
		Endpoint:  l.describeEndpoint(),
		Datasets:  []inputDataset{l.describeDataset()},
		Artifacts: inputArtifacts{Dir: b.Artifacts.Dir, Prefix: f.ExportPrefix.pointer(), ShowTraceTiming: f.ShowTraceTiming.pointer(), Trace: f.ExportTrace.pointer(), ExportOutputs: f.ExportOutputs.pointer()},
	}
	for _, name := range b.Models.Names {
		in.Models.Items = append(in.Models.Items, inputModel{name})
	}
	in.Models.Strategy = f.ModelStrategy.pointer()
	for _, s := range b.SLOs {
		if in.SLOs == nil {
			in.SLOs = map[string]float64{}
		}
		in.SLOs[s.Tag] = s.Value
	}
	for _, p := range b.Phases {
		in.Phases = append(in.Phases, describePhase(p))
	}
	if f.ExportLevel.Set {
		in.Artifacts.Records = false
		if b.Artifacts.Records {
			in.Artifacts.Records = []string{"jsonl"}
		}
		if b.Artifacts.Raw {
			in.Artifacts.Raw = &b.Artifacts.Raw
		}
	}
	if f.Tokenizer.Set || f.TrustRemoteCode.Set || f.TokenizerRevision.Set || f.ApplyChatTemplate.Set {
		in.Tokenizer = &inputTokens{Name: f.Tokenizer.Value, Revision: f.TokenizerRevision.Value, TrustRemoteCode: f.TrustRemoteCode.pointer(), ApplyChatTemplate: f.ApplyChatTemplate.pointer()}
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
	switch {
	case d.Type == TypeFile:
		l.describeFile(&in)
	case l.hasText() && !l.ranks():
		in.Prompts = l.describePrompts()
	}
	if d.PrefixPrompts.Any() {
		in.PrefixPrompts = &d.PrefixPrompts
	}
	switch {
	case d.SystemPromptFile != "":
		in.SystemPromptFile = &d.SystemPromptFile
	case d.SystemPrompt != "":
		in.SystemPrompt = &d.SystemPrompt
	}
	if d.Images.BatchSize > 0 {
		in.Images = &inputImages{
			BatchSize: d.Images.BatchSize, Width: normalOf(&d.Images.Width), Height: normalOf(&d.Images.Height),
			Format: d.Images.Format, Source: d.Images.Source, SourceSampling: f.ImageSourceSampling.pointer(),
		}
	}
	if d.Audio.BatchSize > 0 {
		in.Audio = &inputAudio{
			BatchSize: d.Audio.BatchSize, Length: normalOf(&d.Audio.LengthSec), Format: d.Audio.Format,
			Depths: d.Audio.Depths, SampleRates: d.Audio.SampleRatesKHz, Channels: d.Audio.Channels,
		}
	}
	if l.ranks() {
		in.Type = "synthetic"
		in.Rankings = &inputRankings{normalOf(&d.Rankings.Passages), normalOf(&d.Rankings.PassageTokens), normalOf(&d.Rankings.QueryTokens)}
	}
	if f.TurnsMean.Set || f.TurnsStddev.Set {
		in.Turns = &inputNormal{d.Turns.Mean, &d.Turns.Stddev}
	}
	if f.TurnDelayMeanMS.Set || f.TurnDelayStddevMS.Set {
		in.TurnDelay = &inputNormal{d.TurnDelayMS.Mean, &d.TurnDelayMS.Stddev}
	}
	return in
}

// describeFile shows where requests come from.
func (l *loader) describeFile(in *inputDataset) {
	f, d := l.f, &l.run.Benchmark.Dataset
	in.Path, in.Format, in.BlockSize = f.InputFile.pointer(), &d.Format, f.BlockSize.pointer()
	in.Entries = f.DatasetEntries.pointer()
	if f.OSL.Set {
		in.OSL = &inputNormal{float64(f.OSL.Value), f.OSLStddev.pointer()}
	}
	if f.Corpus.Set {
		in.Prompts = &inputPrompts{Corpus: f.Corpus.pointer()}
	}
}

func (l *loader) describePrompts() *inputPrompts {
	f, p := l.f, &l.run.Benchmark.Dataset.Prompts
	in := &inputPrompts{BatchSize: f.BatchSize.pointer(), Corpus: f.Corpus.pointer(), CorpusStyle: f.CorpusStyle.pointer()}
	if p.RangeRatio != nil {
		in.RangeRatio = map[string]float64{"input": p.RangeRatio.Input, "output": p.RangeRatio.Output}
	}
	for i := range p.SequenceDistribution {
		b := &p.SequenceDistribution[i]
		in.SequenceDistribution = append(in.SequenceDistribution, inputBucket{normalOf(&b.ISL), normalOf(&b.OSL), b.Weight})
	}
	if len(p.SequenceDistribution) > 0 {
		return in
	}
	in.ISL = &inputNormal{p.ISL.Mean, f.ISLStddev.pointer()}
	if f.OSL.Set {
		in.OSL = &inputNormal{float64(f.OSL.Value), f.OSLStddev.pointer()}
	}
	return in
}

// normalOf shows a mean, with its spread if there is one.
func normalOf(d *dataset.Distribution) *inputNormal {
	n := &inputNormal{Mean: d.Mean}
	if d.Stddev > 0 {
		n.Stddev = &d.Stddev
	}
	return n
}

// describePhase shows the load as it was resolved, so that a reader need not know the
// defaults.
func describePhase(p Phase) inputPhase {
	in := inputPhase{
		Name: p.Name, Kind: p.Kind, Type: p.Type, ExcludeFromResults: p.ExcludeFromResults, Requests: p.Requests, Sessions: p.Sessions,
		Duration: p.DurationSec, Concurrency: p.Concurrency, Rate: p.RatePerSec, Smoothness: p.Smoothness, ConcurrencyRamp: p.ConcurrencyRamp, RateRamp: p.RateRamp, RateSeries: p.RateSeries, Users: p.Users, AutoOffset: p.AutoOffset, StartOffset: p.StartOffsetMS, EndOffset: p.EndOffsetMS, FailedThreshold: p.FailedThreshold,
		Cancellation: p.Cancellation, Seamless: p.Seamless,
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
