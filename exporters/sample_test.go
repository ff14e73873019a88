package exporters

import (
	"encoding/json"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
)

// sampleStart is the instant at which the sample run starts: 2026-07-27T21:24:26.347694001Z.
const sampleStart = clock.WallNS(1785187466347694001)

func ptr[T any](v T) *T { return &v }

// sampleRun is a run document with everything that exporters look at.
func sampleRun(dir string) *config.Run {
	run := &config.Run{
		BenchmarkID:    "047b9cc254da",
		RunID:          "047b9cc254da",
		ArtifactDir:    dir,
		RandomSeed:     ptr(uint64(7)),
		CLICommand:     "aiperf profile --model 'qwen3' --url 'http://127.0.0.1:9100' --streaming",
		InputConfig:    json.RawMessage(`{"models":{"items":[{"name":"qwen3"}]},"endpoint":{"headers":{"X-Api-Key":"\u003credacted\u003e"},"streaming":true}}`),
		InputConfigOwn: json.RawMessage(`{"connections_per_worker":8}`),
		Warnings:       []string{"the artifact directory already holds results"},
	}
	run.Benchmark.Artifacts = config.Artifacts{Dir: dir, Records: true, Summary: true}
	run.Benchmark.Endpoint.Capabilities.MetricsTitle = "LLM Metrics"
	run.Environment.UI.ConsoleExportWidth = 140
	run.Environment.Record.ExportBatchSize = 100
	run.Environment.GPU.ExportBatchSize = 100
	run.Environment.Metrics.UsagePctDiffThreshold = 10
	run.Environment.Metrics.OSLMismatchPctThreshold = 5
	run.Environment.Metrics.OSLMismatchMaxTokens = 50
	return run
}

func distribution(avg, std float64, n int64) metrics.Stats {
	at := func(z float64) *float64 { return ptr(avg + z*std) }
	return metrics.Stats{
		Avg: &avg, P1: at(-2), P5: at(-1.5), P10: at(-1.25), P25: at(-0.75), P50: at(0), P75: at(0.75),
		P90: at(1.25), P95: at(1.5), P99: at(2), Min: at(-2.25), Max: at(2.25), Std: &std, Count: &n,
		Sum: ptr(avg * float64(n)),
	}
}

func number(avg float64) metrics.Stats { return metrics.Stats{Avg: &avg} }

// sampleReport has one metric of every shape, errors, a warmup and two GPUs.
func sampleReport() *Report {
	return &Report{Profile: sampleProfile(), Telemetry: sampleTelemetry()}
}

func sampleProfile() *Profile {
	infiniteMax := distribution(52, 2, 20)
	infiniteMax.Avg, infiniteMax.P90, infiniteMax.P95, infiniteMax.P99 = nil, nil, nil, nil
	infiniteMax.Max, infiniteMax.Std, infiniteMax.Sum = nil, nil, nil
	weighted := metrics.Stats{Avg: ptr(3.5), P50: ptr(4.0), P90: ptr(4.0), P95: ptr(4.0), P99: ptr(4.0), Min: ptr(0.0), Max: ptr(4.0), Std: ptr(0.9)}
	return &Profile{
		Records: []metrics.Result{
			{Tag: "request_latency", Header: "Request Latency", Unit: "ms", Stats: distribution(1812.5, 95.25, 40), DisplayOrder: 300},
			{Tag: "time_to_first_token", Header: "Time to First Token", Unit: "ms", Stats: distribution(23.2, 2.96, 40), DisplayOrder: 100},
			{Tag: "output_token_throughput_per_user", Header: "Output Token Throughput Per User", Unit: "tokens/sec/user", Stats: distribution(193.5, 8.36, 40), DisplayOrder: 500},
			{Tag: "request_count", Header: "Request Count", Unit: "requests", Stats: metrics.Stats{Avg: ptr(40.0), Count: ptr(int64(1))}, DisplayOrder: 1100},
			{Tag: "benchmark_duration", Header: "Benchmark Duration", Unit: "sec", Stats: number(0.391780096), ConsoleGroup: "none"},
			{Tag: "request_error_rate", Header: "Request Error Rate", Unit: "%", Stats: number(0.004), DisplayOrder: 1080},
			{Tag: "adj_request_latency", Header: "Request Latency (error-adjusted)", Unit: "ms", Stats: infiniteMax},
			{Tag: "effective_concurrency", Header: "Effective Concurrency", Unit: "requests", Stats: weighted, ConsoleGroup: "effective"},
			{Tag: "active_total_throughput", Header: "Active Total Throughput", Unit: "tokens/sec", Stats: distribution(0, 0, 40), ConsoleGroup: "active"},
			{Tag: "usage_prompt_tokens", Header: "Usage Prompt Tokens", Unit: "tokens", Stats: distribution(83.5, 4.8, 40), ConsoleGroup: "usage", DisplayOrder: 1000},
			{Tag: "input_sequence_length", Header: "Input Sequence Length", Unit: "tokens", Stats: distribution(64, 0, 40), DisplayOrder: 700},
			{Tag: "total_usage_prompt_tokens", Header: "Total Usage Prompt Tokens", Unit: "tokens", Stats: number(3340), ConsoleGroup: "usage", DisplayOrder: 2000},
			{Tag: "usage_discrepancy_count", Header: "Usage Discrepancy Count", Unit: "requests", Stats: number(39), ConsoleGroup: "none"},
			{Tag: "osl_mismatch_count", Header: "OSL Mismatch Count", Unit: "requests", Stats: number(3), ConsoleGroup: "none"},
			{Tag: "osl_mismatch_diff_pct", Header: "OSL Mismatch Diff %", Unit: "%", Stats: distribution(-12.5, 1, 40), ConsoleGroup: "none"},
			{Tag: "error_request_count", Header: "Error Request Count", Unit: "requests", Stats: number(4), Hidden: true},
			{Tag: "credit_drop_latency", Header: "Credit Drop Latency", Unit: "ms", Stats: distribution(1, 0.1, 40), Hidden: true, Internal: true},
			{Tag: "goodput", Header: "Goodput", Unit: "requests/sec"},
		},
		WarmupRecords: []metrics.Result{
			{Tag: "request_count", Header: "Request Count", Unit: "requests", Stats: number(3)},
			{Tag: "request_latency", Header: "Request Latency", Unit: "ms", Stats: distribution(2000, 10, 3)},
		},
		Completed: 44, SuccessfulRequestCount: 40, ErrorRequestCount: 4,
		StartNS: sampleStart, EndNS: sampleStart + 398_780_000, IsComplete: true,
		ErrorSummary: []messages.ErrorCount{
			{Details: messages.ErrorDetails{Code: ptr(int64(503)), Type: "Service Unavailable", Message: `{"error":{"message":"overloaded <b>","code":503}}`}, Count: 3},
			{Details: messages.ErrorDetails{Type: "TimeoutError", Message: "no answer within 600 s", Cause: "i/o timeout", CauseChain: []string{"TimeoutError", "OpError"}, Details: map[string]any{"stage": "send"}}, Count: 1},
		},
		Quality: sampleQuality(),
	}
}

func sampleQuality() metrics.Quality {
	return metrics.Quality{
		Verdict: metrics.VerdictGood, Reasons: []string{},
		AskedRPS: ptr(100.0), DeliveredRPS: ptr(99.9),
		SendDelayMS:     &metrics.Spread{P50: 0.02, P99: 0.11, Max: 0.5},
		TimerLatenessMS: &metrics.Spread{P50: 0.01, P99: 0.05, Max: 0.2},
		KernelStampPct:  ptr(100.0), CoalescedEventPct: ptr(2.5), WorkerCPUMaxPct: ptr(37.0),
		Credits:         metrics.CreditCounts{Issued: 44, Completed: 40, Failed: 4},
		RecordsExpected: 44, RecordsReceived: 44,
	}
}

func sampleTelemetry() *Telemetry {
	gpu := func(index int, uuid string) GPU {
		return GPU{
			Key: "gpu_" + string(rune('0'+index)), Index: index, Name: "NVIDIA H200", UUID: uuid, Platform: "nvidia", Hostname: "node1",
			Metrics: []metrics.Result{
				{Tag: "nvidia_power_usage", Header: "NVIDIA GPU Power Usage", Unit: "W", Stats: distribution(310.5, 2, 12)},
				{Tag: "nvidia_energy_consumption", Header: "NVIDIA Energy Consumption", Unit: "MJ", Stats: number(7.738e-5)},
				{Tag: "nvidia_xid_errors", Header: "NVIDIA XID Errors", Unit: "count", Stats: number(0)},
				{Tag: "nvidia_memory_used", Header: "NVIDIA GPU Memory Used", Unit: "GB"},
			},
		}
	}
	return &Telemetry{
		EndpointsConfigured: []string{"http://user:pass@n1:9400/metrics", "http://n2:9400/metrics"},
		EndpointsSuccessful: []string{"http://user:pass@n1:9400/metrics"},
		StartNS:             sampleStart, EndNS: sampleStart + 1_064_780_000,
		Endpoints: []TelemetryEndpoint{{
			URL: "http://user:pass@n1:9400/metrics", Display: "n1:9400",
			GPUs: []GPU{gpu(0, "GPU-0000"), gpu(1, "GPU-0001")},
		}},
	}
}

// sampleRecord is a finished streaming request.
func sampleRecord() *messages.MetricRecord {
	return &messages.MetricRecord{
		Metadata: messages.RecordMetadata{
			SessionNum: 7, XRequestID: "ccca8512-e9bd-4ae3-ba7c-e1e17cd719c3", XCorrelationID: "693ee099-ac3c-475e-a40f-cf010eb68ac9",
			ConversationID: "session_000007", TurnIndex: 1, CreditIssuedNS: sampleStart, RequestStartNS: sampleStart + 1_000_000,
			RequestAckNS: sampleStart + 5_000_000, RequestEndNS: sampleStart + 120_000_000, WorkerID: "worker_1", RecordProcessorID: "record_processor_1",
			BenchmarkPhase: "profiling", PhaseIndex: 1, ProfilingIndex: 0, PhaseName: "profiling",
			ScheduledNS: sampleStart, StampSource: "kernel", RecvBytes: 3307,
		},
		Metrics: []messages.MetricValue{
			{Tag: "time_to_first_token", Number: 24132212, Integer: true},
			{Tag: "request_latency", Number: 124031621, Integer: true},
			{Tag: "output_sequence_length", Number: 20, Integer: true},
			{Tag: "input_sequence_length", Number: 64, Integer: true},
			{Tag: "inter_chunk_latency", List: []float64{5346606, 6653878, 0}},
			{Tag: "inter_token_latency", Number: 5257863.631578947},
			{Tag: "request_count", Number: 1, Integer: true},
			{Tag: "credit_drop_latency", Number: 5000, Integer: true},
		},
	}
}
