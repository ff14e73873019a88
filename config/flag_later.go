package config

import "sync"

// laterEndpoints are endpoint types that AIPerf has and this version does not.
var laterEndpoints = []string{
	"responses", "messages", "chat_embeddings", "rankings", "nim_embeddings",
	"huggingface_generate", "image_generation", "image_edit", "video_generation", "image_retrieval", "audio_transcription",
	"solido_rag", "raw", "template",
}

// laterFeature is a feature that AIPerf has and this version does not, with the flags
// that belong to it. They are known, so that they can be refused by name.
type laterFeature struct {
	name  string   // what the flags are for
	hint  string   // what to do instead; "" = leave the flag out
	flags []string // long names and aliases without dashes; one letter is a short flag
}

var laterFeatures = []laterFeature{
	{"reshaping of traces", "replay the trace as it is", []string{
		"ignore-trace-delays", "use-think-time-only", "max-context-length", "allow-dataset-wrap",
		"no-allow-dataset-wrap", "trace-session-sample-ratio", "inter-turn-delay-cap-seconds", "max-idle-gap-cap-seconds", "replay-speedup",
		"open-loop-replay", "no-open-loop-replay", "open-loop-strict", "omit-kv-hints", "force-min-tokens", "no-force-min-tokens",
		"synthesis-prefix-len-multiplier", "synthesis-prompt-len-multiplier", "synthesis-output-len-multiplier",
		"synthesis-prefix-root-multiplier", "synthesis-max-isl", "synthesis-max-osl", "trace-idle-gap-cap-seconds"}},
	{"public datasets", "shape synthetic prompts with --isl, --osl and --conversation-turn-mean", []string{
		"public-dataset", "hf-subset", "hf-weka-dataset", "dataset-filter"}},
	{"readiness probes", "start the run when the server is up", []string{"wait-for-model-timeout", "wait-for-model-mode", "wait-for-model-interval"}},
	{"control hooks of the server", "", []string{
		"reset-kv-cache", "reset-kv-cache-timeout-seconds", "reset-kv-cache-path", "server-profiler", "server-profiler-timeout-seconds",
		"server-profiler-start-path", "server-profiler-stop-path"}},
	{"usage figures per chunk", "", []string{"per-chunk-usage"}},
	{"media and form endpoints", "", []string{
		"download-video-content", "request-content-type", "uuid-and-strip",
		"video-batch-size", "batch-size-video", "video-duration", "video-fps", "video-width", "video-height", "video-synth-type", "video-format", "video-codec",
		"video-audio-sample-rate", "video-audio-num-channels", "video-audio-codec", "video-audio-depth"}},
	{"cache-busting prompts", "", []string{"cache-bust"}},
	{"prefill limits", "use --concurrency and --request-rate", []string{
		"prefill-concurrency", "prefill-concurrency-ramp-duration",
		"warmup-prefill-concurrency", "warmup-prefill-concurrency-ramp-duration"}},
	{"agentic replay and scenarios", "", []string{
		"trajectory-start-min-ratio", "trajectory-start-max-ratio", "burst-phase-starts", "system-idle-gap-cap-seconds", "agentic-cache-warmup-duration",
		"agentic-warmup-grace-period", "scenario", "unsafe-override"}},
	{"time slices, plots and reports", "", []string{"slice-duration", "auto-plot", "no-auto-plot", "plot-required", "no-report"}},
	{"uploads and telemetry streams", "", []string{
		"otel-url", "stream", "otel-resource-attributes", "gen-ai-provider", "mlflow-tracking-uri", "mlflow-experiment", "mlflow-run-name", "mlflow-tag",
		"mlflow-parent-run-id", "mlflow-artifact-glob", "wandb-project", "wandb-entity", "wandb-run-name", "wandb-tag"}},
	{"server metrics", "", []string{"server-metrics", "server-metrics-formats"}},
	{"network latency probes", "", []string{"network-latency-automatic", "network-latency-mean", "network-latency-ping-interval"}},
	{"the HTTP API", "follow the run with `aiperf watch`", []string{"api-port", "api-host"}},
	{"meshes on two transports", "use --zmq-ipc-path or --zmq-host", []string{"zmq-dual-bind"}},
	{"accuracy benchmarks", "", []string{
		"accuracy-benchmark", "accuracy-tasks", "accuracy-n-shots", "accuracy-enable-cot", "accuracy-no-enable-cot", "accuracy-grader",
		"accuracy-system-prompt", "accuracy-verbose", "accuracy-allow-code-execution"}},
	{"repeated runs", "start the run several times", []string{
		"num-profile-runs", "profile-run-cooldown-seconds", "confidence-level", "profile-run-disable-warmup-after-first",
		"no-profile-run-disable-warmup-after-first", "set-consistent-seed", "no-set-consistent-seed", "vary-seed-per-trial",
		"no-vary-seed-per-trial", "convergence-metric", "convergence-stat", "convergence-threshold", "convergence-mode", "resume"}},
	{"sweeps and searches", "start one run for each value", []string{
		"sweep-type", "parameter-sweep-mode", "parameter-sweep-same-seed", "no-parameter-sweep-same-seed", "parameter-sweep-cooldown-seconds",
		"no-sweep-table", "variant", "sweep-variant", "search-space", "search-metric", "search-direction", "search-max-iterations", "search-stat",
		"search-initial-points", "search-random-seed", "search-planner", "optuna-sampler", "optuna-acquisition", "optuna-terminator",
		"search-percentile-pooling", "bo-constraint-mode", "search-sla", "search-sla-tier", "search-recipe", "ttft-sla-ms", "itl-sla-ms",
		"tpot-sla-ms", "e2e-sla-ms", "error-rate-sla", "slo-attainment-fraction", "search-style", "isl-osl-pairs", "degradation-threshold",
		"degradation-metric-tag", "degradation-stat", "isl-min", "isl-max", "isl-steps", "concurrency-min", "concurrency-max",
		"concurrency-steps", "osl-min", "osl-max", "osl-steps"}},
	{"threads", "use --workers-max", []string{"max-threads"}},
}

// laterFlags finds the feature of a refused flag.
var laterFlags = sync.OnceValue(func() map[string]*laterFeature {
	m := map[string]*laterFeature{}
	for i := range laterFeatures {
		for _, name := range laterFeatures[i].flags {
			m[name] = &laterFeatures[i]
		}
	}
	return m
})
