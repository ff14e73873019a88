package config

import (
	"slices"
	"sync"
)

// Table is every flag of `aiperf profile` that this version has, in the order of the
// help text.
var Table = sync.OnceValue(func() []*Flag {
	return slices.Concat(endpointFlags(), loadFlags(), datasetFlags(), promptFlags(), mediaFlags(), rankingsFlags(), programFlags())
})

func names(names ...string) []string { return names }

func endpointFlags() []*Flag {
	return []*Flag{
		{Names: names("model-names", "model"), Short: "m", Group: GroupEndpoint, Common: true, Target: "models.items", Default: "required",
			Help:  "Model names to benchmark; the first is the primary one.",
			Value: list(func(f *Flags) *Opt[[]string] { return &f.Models }, "NAME[,NAME]", takesEach)},
		{Names: names("model-selection-strategy"), Group: GroupEndpoint, Target: "models.strategy", Default: "round_robin",
			Help:  "Which of several models a prompt asks for: in turn, or at random.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.ModelStrategy }, "round_robin", "random").later("weighted")},
		{Names: names("custom-endpoint", "endpoint"), Group: GroupEndpoint, Common: true, Target: "endpoint.path", Default: "the type's path",
			Help:  "Request path, instead of the endpoint type's own; begins with /.",
			Value: text(func(f *Flags) *Opt[string] { return &f.Path }, "PATH")},
		{Names: names("endpoint-type"), Group: GroupEndpoint, Common: true, Target: "endpoint.type", Default: "chat",
			Help:  "The dialect spoken to the server.",
			Value: plugin(func(f *Flags) *Opt[string] { return &f.EndpointType }, "endpoint").later(laterEndpoints...)},
		{Names: names("streaming"), Group: GroupEndpoint, Common: true, Target: "endpoint.streaming", Default: "false",
			Help:  "Ask for a stream of server-sent events.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.Streaming })},
		{Names: names("url"), Short: "u", Group: GroupEndpoint, Common: true, Target: "endpoint.urls", Default: defaultURL,
			Help:  "Base URLs of the server; http:// is put in front of a value without a scheme. Sessions are spread over several.",
			Value: list(func(f *Flags) *Opt[[]string] { return &f.URLs }, "URL[,URL]", takesWords).url()},
		{Names: names("url-strategy"), Group: GroupEndpoint, Target: "endpoint.url_strategy", Default: "round_robin",
			Help:  "Which of several URLs a session talks to.",
			Value: plugin(func(f *Flags) *Opt[string] { return &f.URLStrategy }, "url_selection_strategy")},
		{Names: names("request-timeout-seconds"), Group: GroupEndpoint, Common: true, Target: "endpoint.timeout", Default: "21600",
			Help:  "Limit for a whole request, connecting included; beyond it the request is recorded as failed.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.RequestTimeoutSec }, above(0), false, false)},
		{Names: names("api-key"), Group: GroupEndpoint, Common: true, Target: "endpoint.api_key",
			Help:  "Sent as `Authorization: Bearer KEY`; never written down.",
			Value: text(func(f *Flags) *Opt[string] { return &f.APIKey }, "KEY").secret()},
		{Names: names("transport", "transport-type"), Group: GroupEndpoint, Target: "endpoint.transport", Default: "from the URL",
			Help:  "How bytes travel.",
			Value: plugin(func(f *Flags) *Opt[string] { return &f.Transport }, "transport")},
		{Names: names("use-legacy-max-tokens"), Group: GroupEndpoint, Common: true, Target: "endpoint.use_legacy_max_tokens", Default: "false",
			Help:  "Send max_tokens instead of max_completion_tokens.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.UseLegacyMaxTokens })},
		{Names: names("use-server-token-count"), Group: GroupEndpoint, Common: true, Target: "endpoint.use_server_token_count", Default: "false",
			Help:  "Take token counts from the server's usage figures instead of counting here.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.UseServerTokenCount })},
		{Names: names("connection-reuse-strategy"), Group: GroupEndpoint, Target: "endpoint.connection_reuse", Default: "pooled",
			Help:  "Share connections, open one per request, or keep one per conversation.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.ConnectionReuse }, "pooled", "never", "sticky_user_sessions")},
		{Names: names("session-header"), Group: GroupEndpoint, Target: "endpoint.session_header", Default: "X-Correlation-ID",
			Help:  "Header that carries the session's id.",
			Value: text(func(f *Flags) *Opt[string] { return &f.SessionHeader }, "NAME")},

		{Names: names("extra-inputs"), Group: GroupInput, Common: true, Target: "endpoint.extra",
			Help:  "Fields merged into every request body; also as one JSON object.",
			Value: pairs(func(f *Flags) *Opt[[]KeyValue] { return &f.ExtraInputs })},
		{Names: names("header"), Short: "H", Group: GroupInput, Common: true, Target: "endpoint.headers",
			Help:  "Request headers; also as one JSON object. Names may repeat.",
			Value: headers(func(f *Flags) *Opt[[]Header] { return &f.Headers })},
		{Names: names("config"), Short: "f", Group: GroupInput, Common: true,
			Help:  "Read the run from a YAML file; flags that are given win over it. See docs/configuration.md.",
			Value: text(func(f *Flags) *Opt[string] { return &f.ConfigFile }, "FILE")},
		{Names: names("input-file"), Group: GroupInput, Common: true, Target: "datasets.main.path",
			Help:  "Send the requests of a file, or of a folder of files: JSONL, CSV or JSON; see docs/datasets.md.",
			Value: text(func(f *Flags) *Opt[string] { return &f.InputFile }, "PATH")},
		{Names: names("custom-dataset-type"), Group: GroupInput, Target: "datasets.main.format", Default: "as the first row shows",
			Help: "What kind of rows the file has.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.CustomDatasetType }, "single_turn", "multi_turn", "random_pool", "mooncake_trace", "bailian_trace", "burst_gpt_trace",
				"sagemaker_data_capture", "raw_payload", "inputs_json", "dag_jsonl").later("baseten_trace", "tracelab", "weka_trace")},
		{Names: names("isl-block-size", "prompt-input-tokens-block-size", "synthetic-input-tokens-block-size"), Group: GroupInput, Target: "datasets.main.block_size", Default: "the format's own",
			Help:  "Tokens that one hash id of a trace stands for.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.BlockSize }, from(1))},
		{Names: names("dataset-sampling-strategy"), Group: GroupInput, Common: true, Target: "datasets.main.sampling", Default: "sequential",
			Help:  "Which conversation comes next: in order, at random, or a permutation.",
			Value: plugin(func(f *Flags) *Opt[string] { return &f.Sampling }, "dataset_sampler")},
		{Names: names("random-seed"), Group: GroupInput, Common: true, Target: "random_seed", Default: "drawn",
			Help:  "Root of every random stream: the same seed makes the same prompts and the same schedule.",
			Value: seed(func(f *Flags) *Opt[uint64] { return &f.RandomSeed })},
	}
}

func loadFlags() []*Flag {
	return []*Flag{
		{Names: names("output-artifact-dir", "artifact-dir"), Group: GroupOutput, Common: true, Target: "artifacts.dir", Default: "a directory in ./artifacts, named after model, endpoint and load",
			Help:  "Where the files of the run go.",
			Value: text(func(f *Flags) *Opt[string] { return &f.ArtifactDir }, "DIR")},
		{Names: names("profile-export-prefix", "profile-export-file"), Group: GroupOutput, Common: true, Target: "artifacts.prefix",
			Help:  "Base name of the exported files, instead of profile_export.",
			Value: text(func(f *Flags) *Opt[string] { return &f.ExportPrefix }, "NAME")},
		{Names: names("export-level", "profile-export-level"), Group: GroupOutput, Common: true, Target: "artifacts.records", Default: "records",
			Help:  "Summary files only, or one line per request too.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.ExportLevel }, "summary", "records").later("raw")},
		{Names: names("show-trace-timing"), Group: GroupOutput, Target: "artifacts.show_trace_timing", Default: "false",
			Help:  "Show a table of HTTP timings (connect, send, wait, receive) after the run.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.ShowTraceTiming })},

		{Names: names("tokenizer"), Group: GroupTokenizer, Common: true, Target: "tokenizer.name", Default: "the model's name",
			Help:  "Tokenizer that counts tokens and makes prompts: a name on the model hub, a folder, or `builtin`, which needs no network.",
			Value: text(func(f *Flags) *Opt[string] { return &f.Tokenizer }, "NAME")},
		{Names: names("tokenizer-revision"), Group: GroupTokenizer, Target: "tokenizer.revision", Default: "main",
			Help:  "Branch, tag or commit of the tokenizer on the model hub.",
			Value: text(func(f *Flags) *Opt[string] { return &f.TokenizerRevision }, "REVISION")},
		{Names: names("tokenizer-trust-remote-code"), Group: GroupTokenizer, Target: "tokenizer.trust_remote_code", Default: "false",
			Help:  "Accepted with a warning: code from elsewhere is never run here.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.TrustRemoteCode })},
		{Names: names("apply-chat-template"), Group: GroupTokenizer, Target: "tokenizer.apply_chat_template", Default: "false",
			Help:  "Count inputs as the model reads them, with its chat template, and make synthetic prompts that much shorter.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.ApplyChatTemplate })},

		{Names: names("concurrency"), Group: GroupLoad, Common: true, Target: "phases.profiling.concurrency", Default: "1; with a rate no limit",
			Help:  "Sessions in flight; with --request-rate the most that may be.",
			Value: integers(func(f *Flags) *Opt[int] { return &f.Concurrency }, from(1))},
		{Names: names("request-rate"), Group: GroupLoad, Common: true, Target: "phases.profiling.rate",
			Help:  "Requests per second, sent by the clock whatever the server does.",
			Value: decimals(func(f *Flags) *Opt[float64] { return &f.RequestRate }, above(0))},
		{Names: names("arrival-pattern", "request-rate-mode"), Group: GroupLoad, Common: true, Target: "phases.profiling.type", Default: "poisson",
			Help:  "Gaps between arrivals at a request rate.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.ArrivalPattern }, TypeConstant, TypePoisson, TypeGamma).reserved(burst, "is chosen by the program when there is no rate", "leave it out, and give a concurrency")},
		{Names: names("arrival-smoothness", "vllm-burstiness"), Group: GroupLoad, Target: "phases.profiling.smoothness", Default: "1",
			Help:  "Shape of gamma arrivals: below 1 bursty, 1 as poisson, above 1 regular. Alone with a rate it chooses gamma.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.ArrivalSmoothness }, above(0))},
		{Names: names("concurrency-ramp-duration"), Group: GroupLoad, Target: "phases.profiling.concurrency_ramp.duration", Default: "off",
			Help:  "Raise the concurrency in steps of 1, from 1 to its value, over this time.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.ConcurrencyRampSec }, above(0), false, false)},
		{Names: names("request-rate-ramp-duration"), Group: GroupLoad, Target: "phases.profiling.rate_ramp.duration", Default: "off",
			Help:  "Raise the request rate evenly from almost nothing to its value over this time.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.RateRampSec }, above(0), false, false)},
		{Names: names("request-rate-series"), Group: GroupLoad, Target: "phases.profiling.rate_series.path",
			Help:  "Change the request rate in time: a JSON file of points {time_s, qps}, linear between them.",
			Value: text(func(f *Flags) *Opt[string] { return &f.RateSeriesFile }, "FILE")},
		{Names: names("user-centric-rate"), Group: GroupLoad, Target: "phases.profiling.rate",
			Help:  "Requests per second of all users together, each of whom keeps an even pace; needs --num-users.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.UserCentricRate }, above(0))},
		{Names: names("num-users"), Group: GroupLoad, Target: "phases.profiling.users",
			Help:  "Users of a user-centric load; each sends a turn every users / rate seconds.",
			Value: integers(func(f *Flags) *Opt[int] { return &f.Users }, from(1))},
		{Names: names("request-count", "num-requests"), Group: GroupLoad, Common: true, Target: "phases.profiling.requests", Default: "max(10, 2 × concurrency, 2 × users) when nothing else ends the run",
			Help:  "Stop after so many requests.",
			Value: integers(func(f *Flags) *Opt[int] { return &f.RequestCount }, from(1))},
		{Names: names("benchmark-duration"), Group: GroupLoad, Common: true, Target: "phases.profiling.duration",
			Help:  "Stop sending after this time; 90s, 2m and 1h30m work too.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.DurationSec }, above(0), true, false)},
		{Names: names("benchmark-grace-period"), Group: GroupLoad, Common: true, Target: "phases.profiling.grace_period", Default: "30 with a duration",
			Help:  "How long to wait, after the duration, for requests in flight; inf waits for all.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.GraceSec }, from(0), false, true)},
		{Names: names("failed-request-threshold"), Group: GroupLoad, Target: "phases.profiling.failed_request_threshold", Default: "off",
			Help:  "Give the run up when a larger share of its requests than this has failed, from 0 to 1; looked at from the 10th answer on, or from as many as the concurrency.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.FailedThreshold }, within(0, 1))},
		{Names: names("request-cancellation-rate"), Group: GroupLoad, Target: "phases.profiling.cancellation.rate", Default: "off",
			Help:  "Percent of the requests to hang up on before the answer is complete, as impatient users do; never in a warmup.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.CancellationRatePct }, span{max: 100, hasMin: true, hasMax: true, minOpen: true})},
		{Names: names("request-cancellation-delay"), Group: GroupLoad, Target: "phases.profiling.cancellation.delay", Default: "0",
			Help:  "When to hang up: so long after all of the request is sent; 0 is at once.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.CancellationDelaySec }, from(0), false, false)},

		{Names: names("fixed-schedule"), Group: GroupSchedule, Target: "phases.profiling.type", Default: "on for traces with times",
			Help:  "Send each request of the file at its own time.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.FixedSchedule })},
		{Names: names("no-fixed-schedule"), Group: GroupSchedule, Default: "false",
			Help:  "Do not replay the times of a trace: send its requests by concurrency or rate.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.NoFixedSchedule })},
		{Names: names("fixed-schedule-auto-offset"), Group: GroupSchedule, Target: "phases.profiling.auto_offset", Default: "true without a start offset",
			Help:  "Move the first time of the trace to the start of the run.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.ScheduleAutoOffset })},
		{Names: names("fixed-schedule-start-offset"), Group: GroupSchedule, Target: "phases.profiling.start_offset",
			Help:  "Leave out what comes before this time of the trace, in milliseconds; it is where the replay starts.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.ScheduleStartMS }, from(0))},
		{Names: names("fixed-schedule-end-offset"), Group: GroupSchedule, Target: "phases.profiling.end_offset",
			Help:  "Leave out what comes after this time of the trace, in milliseconds.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.ScheduleEndMS }, from(0))},
		{Names: names("synthesis-speedup-ratio"), Group: GroupSchedule, Target: "phases.profiling.speedup", Default: "1",
			Help:  "Replay so many times as fast: times and delays are divided by it.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.SpeedupRatio }, above(0))},

		{Names: names("warmup-request-count", "num-warmup-requests"), Group: GroupWarmup, Common: true, Target: "phases.warmup.requests",
			Help:  "Begin with a warmup of so many requests, which are left out of the results.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.WarmupRequests }, from(1))},
		{Names: names("warmup-duration"), Group: GroupWarmup, Common: true, Target: "phases.warmup.duration",
			Help:  "Begin with a warmup of this length.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.WarmupDurationSec }, above(0), false, false)},
		{Names: names("num-warmup-sessions"), Group: GroupWarmup, Target: "phases.warmup.sessions",
			Help:  "Begin with a warmup of so many conversations.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.WarmupSessions }, from(1))},
		{Names: names("warmup-concurrency"), Group: GroupWarmup, Target: "phases.warmup.concurrency", Default: "--concurrency",
			Help:  "Sessions in flight during warmup.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.WarmupConcurrency }, from(1))},
		{Names: names("warmup-request-rate"), Group: GroupWarmup, Target: "phases.warmup.rate", Default: "--request-rate",
			Help:  "Requests per second during warmup.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.WarmupRate }, above(0))},
		{Names: names("warmup-arrival-pattern"), Group: GroupWarmup, Target: "phases.warmup.type", Default: "--arrival-pattern",
			Help:  "Gaps between arrivals during warmup.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.WarmupArrivalPattern }, TypeConstant, TypePoisson, TypeGamma).reserved(burst, "is chosen by the program when there is no rate", "leave it out, and give a concurrency")},
		{Names: names("warmup-concurrency-ramp-duration"), Group: GroupWarmup, Target: "phases.warmup.concurrency_ramp.duration", Default: "--concurrency-ramp-duration",
			Help:  "Raise the warmup's concurrency from 1 to its value over this time.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.WarmupConcurrencyRampSec }, above(0), false, false)},
		{Names: names("warmup-request-rate-ramp-duration"), Group: GroupWarmup, Target: "phases.warmup.rate_ramp.duration", Default: "--request-rate-ramp-duration, if the warmup has a rate",
			Help:  "Raise the warmup's request rate to its value over this time.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.WarmupRateRampSec }, above(0), false, false)},
		{Names: names("warmup-grace-period"), Group: GroupWarmup, Target: "phases.warmup.grace_period", Default: "wait for all",
			Help:  "How long to wait, after the warmup's duration, for its requests in flight.",
			Value: duration(func(f *Flags) *Opt[float64] { return &f.WarmupGraceSec }, from(0), false, true)},
	}
}

func datasetFlags() []*Flag {
	return []*Flag{
		{Names: names("conversation-num", "num-conversations", "num-sessions"), Group: GroupConversation, Common: true, Target: "phases.profiling.sessions",
			Help:  "Stop after so many conversations; the dataset gets as many.",
			Value: integers(func(f *Flags) *Opt[int] { return &f.Sessions }, from(1))},
		{Names: names("num-dataset-entries", "num-prompts"), Group: GroupConversation, Common: true, Target: "datasets.main.entries", Default: "--conversation-num, else --request-count, else 100",
			Help:  "Distinct conversations to make; they are reused when the run needs more.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.DatasetEntries }, from(1))},
		{Names: names("conversation-turn-mean", "session-turns-mean"), Group: GroupConversation, Common: true, Target: "datasets.main.turns.mean", Default: "1",
			Help:  "Requests per conversation, on average.",
			Value: integers(func(f *Flags) *Opt[int] { return &f.TurnsMean }, from(1))},
		{Names: names("conversation-turn-stddev", "session-turns-stddev"), Group: GroupConversation, Common: true, Target: "datasets.main.turns.stddev", Default: "0",
			Help:  "Spread of the requests per conversation.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.TurnsStddev }, from(0))},
		{Names: names("conversation-turn-delay-mean", "session-turn-delay-mean"), Group: GroupConversation, Target: "datasets.main.turn_delay.mean", Default: "0",
			Help:  "Milliseconds between an answer and the conversation's next request, on average.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.TurnDelayMeanMS }, from(0))},
		{Names: names("conversation-turn-delay-stddev", "session-turn-delay-stddev"), Group: GroupConversation, Target: "datasets.main.turn_delay.stddev", Default: "0",
			Help:  "Spread of that delay, in milliseconds.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.TurnDelayStddevMS }, from(0))},
		{Names: names("conversation-turn-delay-ratio", "session-delay-ratio"), Group: GroupConversation, Target: "datasets.main.turn_delay_ratio", Default: "1",
			Help:  "Factor on every drawn delay; 0 removes the delays.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.TurnDelayRatio }, from(0))},

		{Names: names("prompt-input-tokens-mean", "synthetic-input-tokens-mean", "isl"), Group: GroupISL, Common: true, Target: "datasets.main.prompts.isl.mean", Default: "550",
			Help:  "Tokens of a prompt, on average.",
			Value: integers(func(f *Flags) *Opt[int] { return &f.ISL }, from(0))},
		{Names: names("prompt-input-tokens-stddev", "synthetic-input-tokens-stddev", "isl-stddev"), Group: GroupISL, Common: true, Target: "datasets.main.prompts.isl.stddev", Default: "0",
			Help:  "Spread of the prompt length, in tokens.",
			Value: decimals(func(f *Flags) *Opt[float64] { return &f.ISLStddev }, from(0))},

		{Names: names("prompt-output-tokens-mean", "output-tokens-mean", "osl"), Group: GroupOSL, Common: true, Target: "datasets.main.prompts.osl.mean", Default: "the model decides",
			Help:  "Tokens to ask for, on average.",
			Value: integers(func(f *Flags) *Opt[int] { return &f.OSL }, from(0))},
		{Names: names("prompt-output-tokens-stddev", "output-tokens-stddev", "osl-stddev"), Group: GroupOSL, Common: true, Target: "datasets.main.prompts.osl.stddev", Default: "0",
			Help:  "Spread of the output length, in tokens; needs --osl.",
			Value: decimals(func(f *Flags) *Opt[float64] { return &f.OSLStddev }, from(0))},
	}
}

func programFlags() []*Flag {
	return []*Flag{
		{Names: names("log-level"), Group: GroupService, Common: true, Target: "logging.level", Default: "info",
			Help:  "Least important log lines to show.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.LogLevel }, "trace", "debug", "info", "notice", "warning", "success", "error", "critical")},
		{Names: names("verbose"), Short: "v", Group: GroupService, Common: true, Target: "logging.level", Default: "false",
			Help:  "Log level debug, with the simple user interface.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.Verbose })},
		{Names: names("extra-verbose"), Short: "vv", Group: GroupService, Common: true, Target: "logging.level", Default: "false",
			Help:  "Log level trace, with the simple user interface.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.ExtraVerbose })},
		{Names: names("record-processor-service-count", "record-processors"), Group: GroupService, Target: "runtime.record_processors", Default: "a quarter of the workers, at least 1",
			Help:  "Processes that parse responses.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.RecordProcessors }, within(1, 1000))},
		{Names: names("stats-interval"), Group: GroupService, Target: "runtime.stats_interval", Default: "30",
			Help:  "Seconds between live summaries: blocks of figures in the log, and messages for `aiperf watch`; 0 = no blocks.",
			Value: decimal(func(f *Flags) *Opt[float64] { return &f.StatsIntervalSec }, within(0, 1000))},
		{Names: names("plugins"), Group: GroupService, Target: "", Default: "",
			Help:  "Plugin manifests to merge over the built-in one; may repeat.",
			Value: list(func(f *Flags) *Opt[[]string] { return &f.Plugins }, "FILE", takesEach)},
		{Names: names("require-quality"), Group: GroupService, Default: "",
			Help:  "Exit with 1 when the measurement quality is worse than this.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.RequireQuality }, "good", "degraded")},
		{Names: names("dry-run"), Group: GroupService, Common: true, Default: "false",
			Help:  "Check everything and print the plan; start nothing.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.DryRun })},

		{Names: names("no-server-metrics"), Group: GroupMetrics, Common: true, Target: "server_metrics.enabled", Default: "false",
			Help:  "Do not collect the server's Prometheus metrics. This version collects none; the flag keeps command lines portable.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.NoServerMetrics })},

		{Names: names("gpu-telemetry"), Group: GroupGPU, Target: "gpu_telemetry.urls", Default: "DCGM exporters on this host, if there are any",
			Help:  "Show GPU figures; with URLs of DCGM exporters to read besides the default ones.",
			Value: list(func(f *Flags) *Opt[[]string] { return &f.GPUTelemetry }, "[URL...]", takesWords).url()},
		{Names: names("no-gpu-telemetry"), Group: GroupGPU, Common: true, Target: "gpu_telemetry.enabled", Default: "false",
			Help:  "Do not collect GPU figures.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.NoGPUTelemetry })},

		{Names: names("ui-type", "ui"), Group: GroupUI, Common: true, Target: "runtime.ui", Default: "simple on a terminal, else none",
			Help:  "What is shown while the run goes on.",
			Value: plugin(func(f *Flags) *Opt[string] { return &f.UI }, "ui").later("dashboard")},

		{Names: names("workers-max", "max-workers"), Group: GroupWorkers, Common: true, Target: "runtime.workers", Default: "3/4 of the CPUs less 1, at most 32",
			Help:  "Processes that send requests; never more than the concurrency.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.Workers }, within(1, 1000))},

		{Names: names("zmq-host"), Group: GroupZMQ, Target: "runtime.communication.host", Default: "",
			Help:  "Use TCP on this address between the processes, instead of local sockets.",
			Value: text(func(f *Flags) *Opt[string] { return &f.ZMQHost }, "HOST")},
		{Names: names("zmq-ipc-path"), Group: GroupZMQ, Target: "runtime.communication.path", Default: "a fresh private directory",
			Help:  "Directory of the local sockets.",
			Value: text(func(f *Flags) *Opt[string] { return &f.ZMQIPCPath }, "DIR")},
		{Names: names("insecure"), Group: GroupZMQ, Default: "false",
			Help:  "Let other machines reach the mesh without keys.",
			Value: toggle(func(f *Flags) *Opt[bool] { return &f.Insecure })},

		{Names: names("help"), Short: "h", Group: GroupHelp, Common: true,
			Help: "Show the common flags; with a GROUP, the flags of that group.",
			Value: Value{Metavar: "[GROUP]", arity: takesHelp, parse: func(f *Flags, as string, words []string) []fault {
				group := ""
				if len(words) > 0 {
					group = words[0]
				}
				f.Help = Opt[string]{group, true, as}
				return nil
			}}},
		{Names: names("help-all"), Group: GroupHelp, Common: true,
			Help: "Show all flags.",
			Value: Value{arity: takesNone, parse: func(f *Flags, as string, _ []string) []fault {
				f.Help = Opt[string]{HelpAll, true, as}
				return nil
			}}},
	}
}

// Defaults of the run that several places name.
const (
	defaultURL = "http://localhost:8000"
	burst      = "concurrency_burst" // the pattern of a concurrency phase; chosen by the program
)

// HelpAll is the value of Flags.Help that asks for everything.
const HelpAll = "all"
