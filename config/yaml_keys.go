package config

import (
	"slices"
	"strings"
	"sync"
)

// keyKind is what stands behind a key of a configuration file.
type keyKind int

const (
	keyMap      keyKind = iota // more keys
	keyFlag                    // what a flag takes
	keyOwn                     // something that is read by itself
	keyLater                   // known, and not supported by this version
	keyOpen                    // a map whose keys are the user's
	keyDistrib                 // a distribution
	keyDuration                // a ramp: its duration, or {duration, strategy}
)

// keyNode is a key with those below it. Lists are written as `*`.
type keyNode struct {
	kind     keyKind
	flag     *Flag
	children map[string]*keyNode
}

// ownKeys are read by code of their own.
var ownKeys = map[string]keyKind{
	"models.items.*.name": keyOwn, "models.strategy": keyFlag,
	"endpoint.headers": keyOpen, "endpoint.extra": keyOpen, "endpoint.urls": keyOwn,
	"datasets.*.name": keyOwn, "datasets.*.type": keyOwn, "datasets.*.random_seed": keyOwn, "datasets.*.osl": keyDistrib,
	"datasets.*.prompts.isl": keyDistrib, "datasets.*.prompts.osl": keyDistrib, "datasets.*.turns": keyDistrib, "datasets.*.turn_delay": keyDistrib,
	"datasets.*.prompts.sequence_distribution": keyOwn, "datasets.*.prompts.random_range_ratio": keyOwn, "datasets.*.prompts.block_size": keyOwn,
	"datasets.*.images.width": keyDistrib, "datasets.*.images.height": keyDistrib, "datasets.*.audio.length": keyDistrib,
	"datasets.*.rankings.passages": keyDistrib, "datasets.*.rankings.passage_tokens": keyDistrib, "datasets.*.rankings.query_tokens": keyDistrib,
	"phases.*.name": keyOwn, "phases.*.kind": keyOwn, "phases.*.type": keyOwn, "phases.*.rate": keyOwn, "phases.*.exclude_from_results": keyOwn, "phases.*.seamless": keyOwn,
	"phases.*.rate_series": keyOwn, "phases.*.concurrency_ramp": keyDuration, "phases.*.rate_ramp": keyDuration,
	"artifacts.records": keyOwn, "artifacts.summary": keyOwn, "artifacts.raw": keyOwn,
	"gpu_telemetry.enabled": keyOwn, "gpu_telemetry.urls": keyOwn, "gpu_telemetry.collector": keyOwn, "gpu_telemetry.mode": keyOwn, "server_metrics.enabled": keyOwn,
	"runtime.communication.type": keyOwn, "metrics": keyOwn, "slos": keyOpen,
}

// laterKeys are those of features that this version lacks.
var laterKeys = []string{
	"models.items.*.weight", "models.items.*.lora", "models.items.*.modalities", "models.items.*.tokenizer",
	"endpoint.template", "endpoint.payload_template", "endpoint.uuid_and_strip", "endpoint.per_chunk_usage", "endpoint.wait_for_model_timeout", "endpoint.wait_for_model_mode",
	"endpoint.wait_for_model_interval", "endpoint.reset_kv_cache", "endpoint.server_profiler", "endpoint.download_video_content", "endpoint.request_content_type",
	"datasets.*.records", "datasets.*.synthesis", "datasets.*.cache_bust", "datasets.*.prompts.cache_bust", "datasets.*.video", "datasets.*.dataset", "datasets.*.hf_subset",
	"datasets.*.filters", "datasets.*.prompt_batch_size", "datasets.*.image_batch_size", "datasets.*.audio_batch_size", "datasets.*.video_batch_size",
	"phases.*.prefill_concurrency", "phases.*.prefill_ramp", "phases.*.sla", "phases.*.adaptive_scale", "phases.*.timing_mode",
	"phases.*.trajectory_start_min_ratio", "phases.*.trajectory_start_max_ratio", "phases.*.burst_phase_starts", "phases.*.system_idle_gap_cap_seconds",
	"artifacts.slice_duration", "artifacts.user_files", "artifacts.auto_plot", "artifacts.plot_required", "artifacts.report",
	"gpu_telemetry.metrics_file", "server_metrics.urls", "server_metrics.formats", "server_metrics.discovery",
	"network_latency", "otel", "mlflow", "wandb", "accuracy", "scenario", "unsafe_override",
	"runtime.workers_min", "runtime.service_run_type", "runtime.api_port", "runtime.api_host", "runtime.workers_per_pod", "runtime.record_processors_per_pod", "runtime.dataset_api_base_url",
}

// keyTree is every key below benchmark: those of the flags by their targets, and the rest.
var keyTree = sync.OnceValue(func() *keyNode {
	root := &keyNode{children: map[string]*keyNode{}}
	enter := func(path string, kind keyKind, flag *Flag) {
		n := root
		for _, part := range strings.Split(path, ".") {
			if n.children == nil {
				n.children = map[string]*keyNode{}
			}
			child := n.children[part]
			if child == nil {
				child = &keyNode{}
				n.children[part] = child
			}
			n = child
		}
		n.kind, n.flag = kind, flag
	}
	for _, f := range Table() {
		if target, ok := yamlTarget(f); ok {
			enter(target, keyFlag, f)
		}
	}
	for path, kind := range ownKeys {
		if kind != keyFlag {
			enter(path, kind, nil)
		}
	}
	for _, path := range laterKeys {
		enter(path, keyLater, nil)
	}
	return root
})

// yamlTarget is where a flag's value stands in a file; false for flags that stand nowhere, or
// share their place with another and are chosen by code.
func yamlTarget(f *Flag) (string, bool) {
	if f.Target == "" || f.Target == "random_seed" || len(f.Names) > 0 && slices.Contains([]string{
		"request-rate", "user-centric-rate", "arrival-pattern", "warmup-arrival-pattern", "warmup-request-rate", "fixed-schedule", "verbose", "extra-verbose", "export-level",
		"gpu-telemetry", "no-gpu-telemetry", "no-server-metrics", "request-rate-series", "goodput",
	}, f.Names[0]) {
		return "", false
	}
	target := strings.Replace(f.Target, "datasets.main", "datasets.*", 1)
	target = strings.Replace(target, "phases.profiling", "phases.*", 1)
	target = strings.Replace(target, "phases.warmup", "phases.*", 1)
	target = strings.Replace(target, "models.items", "models.items.*.name", 1)
	for _, d := range []string{".mean", ".stddev"} { // of distributions, which are read as a whole
		if strings.HasPrefix(target, "datasets.*.") && strings.HasSuffix(target, d) {
			return "", false
		}
	}
	for _, ramp := range []string{"concurrency_ramp.duration", "rate_ramp.duration"} {
		if strings.HasSuffix(target, ramp) {
			return "", false
		}
	}
	return target, true
}
