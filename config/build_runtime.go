package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// telemetry resolves where GPU figures come from.
func (l *loader) telemetry() {
	f, g := l.f, &l.run.Benchmark.GPUTelemetry
	if f.GPUTelemetry.Set && f.NoGPUTelemetry.Value {
		l.problems.add(f.GPUTelemetry.As+", "+f.NoGPUTelemetry.As, "cannot be used together", "", "keep one of them")
		return
	}
	*g = GPUTelemetry{Enabled: !f.NoGPUTelemetry.Value, Explicit: f.GPUTelemetry.Set}
	if !g.Enabled {
		return
	}
	g.Collector = "dcgm"
	for _, raw := range l.env.GPU.DefaultDCGMEndpoints {
		if reason, hint := checkURL(withScheme(raw), httpSchemes); reason != "" {
			l.problems.add("AIPERF_GPU_DEFAULT_DCGM_ENDPOINTS", reason, RedactURL(raw), hint)
			continue
		}
		g.Defaults = appendNew(g.Defaults, metricsURL(raw))
	}
	for _, item := range f.GPUTelemetry.Value {
		l.gpuItem(item)
	}
}

var httpSchemes = map[string]string{"http": "http", "https": "http"}

// gpuItem sorts one word of --gpu-telemetry.
func (l *loader) gpuItem(item string) {
	g, where := &l.run.Benchmark.GPUTelemetry, l.f.GPUTelemetry.As
	low := strings.ToLower(item)
	switch {
	case low == "dcgm": // the default, by name
	case slices.Contains([]string{"pynvml", "nvml", "amdsmi", "amd_dme", "dcgm_lib", "dashboard"}, strings.ReplaceAll(low, "-", "_")), strings.HasSuffix(low, ".csv"):
		l.problems.add(where, "not supported by this version", item, "give URLs of DCGM exporters, such as localhost:9400")
	case strings.HasPrefix(low, "http") || strings.Contains(item, ":"):
		if reason, hint := checkURL(withScheme(item), httpSchemes); reason != "" {
			l.problems.add(where, reason, RedactURL(item), hint)
			return
		}
		g.UserURLs = appendNew(g.UserURLs, metricsURL(item))
	default:
		l.problems.add(where, "neither a collector nor a URL", item, "give URLs of DCGM exporters, such as localhost:9400")
	}
}

// metricsURL is the address of a metrics page: with a scheme, and /metrics at its end.
func metricsURL(raw string) string {
	u := strings.TrimRight(withScheme(raw), "/")
	if !strings.HasSuffix(u, "/metrics") && !strings.Contains(u, "?") {
		u += "/metrics"
	}
	return u
}

func appendNew(list []string, item string) []string {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}

// runtime resolves how the mesh is built. The phases are known by now.
func (l *loader) runtime() {
	f, rt := l.f, &l.run.Benchmark.Runtime
	if f.ZMQHost.Set && f.ZMQIPCPath.Set {
		l.problems.add(f.ZMQHost.As+", "+f.ZMQIPCPath.As, "cannot be used together", "", "choose one transport for the mesh")
	}
	if f.Insecure.Value && !f.ZMQHost.Set && !f.givenBadly("zmq-host") {
		l.problems.add(f.Insecure.As, "has no effect without --zmq-host", "", "leave it out")
	}
	*rt = Runtime{
		UI: l.ui(), StatsIntervalSec: f.StatsIntervalSec.Or(l.env.UI.RealtimeMetricsIntervalSec), Communication: "ipc", Insecure: f.Insecure.Value, Host: f.ZMQHost.Value,
	}
	if f.ZMQHost.Set {
		rt.Communication = "tcp"
	}
	if f.ZMQIPCPath.Set {
		rt.IPCPath = l.absolute(f.ZMQIPCPath.Value)
	}
	concurrency := l.largestConcurrency(KindProfiling)
	rt.Workers = workers(f.Workers, l.host.CPUs, l.env.Worker.CPUUtilizationFactor, l.env.Worker.MaxWorkersCap, concurrency)
	rt.RecordProcessors = f.RecordProcessors.Or(max(1, rt.Workers/max(1, l.env.Record.ProcessorScaleFactor)))
	rt.GOMAXPROCSPerWorker = max(1, l.host.CPUs/rt.Workers)
	l.connections()
}

// ui resolves the view: -v and -vv show a plain one, then what was asked for.
func (l *loader) ui() string {
	switch f := l.f; {
	case f.Verbose.Value || f.ExtraVerbose.Value:
		return "simple"
	case f.UI.Set:
		return f.UI.Value
	case l.host.Terminal:
		return "simple"
	}
	return "none"
}

// workers is the number of worker processes.
//
//	auto = max(1, min(⌊cpus × factor⌋ − 1, most))
//	n    = given, else auto; never more than the concurrency of the load
func workers(given Opt[int], cpus int, factor float64, most int, concurrency *int) int {
	n := given.Or(max(1, min(int(math.Floor(float64(cpus)*factor))-1, most)))
	if concurrency != nil && *concurrency < n {
		n = *concurrency
	}
	return max(1, n)
}

// largestConcurrency of the phases of a kind ("" = all), nil when none has a limit.
func (l *loader) largestConcurrency(kind string) (c *int) {
	for _, p := range l.run.Benchmark.Phases {
		if (kind == "" || p.Kind == kind) && p.Concurrency != nil && (c == nil || *p.Concurrency > *c) {
			c = p.Concurrency
		}
	}
	return c
}

// MostConnections is what one worker can be given at most.
const MostConnections = 65000

// connections is the limit of one worker. Unless it was set, it never limits the
// load: a limit below the load would be what is measured.
func (l *loader) connections() {
	rt := &l.run.Benchmark.Runtime
	limit := l.env.HTTP.ConnectionLimit
	rt.ConnectionsPerWorker = limit
	concurrency := l.largestConcurrency("")
	unbounded := false
	for _, p := range l.run.Benchmark.Phases {
		unbounded = unbounded || p.Concurrency == nil
	}
	switch {
	case !l.env.HTTP.ConnectionLimitSet && unbounded:
		rt.ConnectionsPerWorker = MostConnections
	case !l.env.HTTP.ConnectionLimitSet:
		rt.ConnectionsPerWorker = min(MostConnections, max(limit, *concurrency))
	case concurrency != nil && *concurrency > limit*rt.Workers:
		l.warn(fmt.Sprintf("AIPERF_HTTP_CONNECTION_LIMIT: %d connections for each of %d workers carry %d requests at a time, the load asks for %d", limit, rt.Workers, limit*rt.Workers, *concurrency))
	}
}
