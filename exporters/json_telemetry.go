package exporters

import (
	"aiperf/clock"
	"aiperf/config"
)

// hasGPUs reports whether a GPU delivered samples.
func hasGPUs(t *Telemetry) bool {
	if t == nil {
		return false
	}
	for i := range t.Endpoints {
		if len(t.Endpoints[i].GPUs) > 0 {
			return true
		}
	}
	return false
}

// shownTelemetry is the GPU part of a report: what GPUs delivered, or, when the user
// asked for telemetry and none came, which sources were tried. nil: nothing to show.
func shownTelemetry(run *config.Run, r *Report) *Telemetry {
	switch {
	case hasGPUs(r.Telemetry):
		return r.Telemetry
	case !run.Benchmark.GPUTelemetry.Explicit || !run.Benchmark.GPUTelemetry.Enabled:
		return nil
	case r.Telemetry != nil:
		return r.Telemetry
	}
	t := &Telemetry{}
	if r.Profile != nil {
		t.StartNS = r.Profile.StartNS
		t.EndNS = r.Profile.EndNS
		if t.EndNS != 0 {
			t.EndNS += clock.WallNS(run.Environment.GPU.FinalScrapeGraceNS)
		}
	}
	if r.TelemetryStatus != nil {
		t.EndpointsConfigured = r.TelemetryStatus.EndpointsConfigured
		t.EndpointsSuccessful = r.TelemetryStatus.EndpointsReachable
	}
	return t
}

func (j *jsonText) telemetry(t *Telemetry) {
	j.object("summary", func() {
		j.textList("endpoints_configured", redactURLs(t.EndpointsConfigured))
		j.textList("endpoints_successful", redactURLs(t.EndpointsSuccessful))
		j.time("start_time", t.StartNS)
		j.time("end_time", t.EndNS)
	})
	j.object("endpoints", func() {
		seen := map[string]bool{}
		for i := range t.Endpoints {
			e := &t.Endpoints[i]
			name := e.Display
			if seen[name] { // such as one host behind http and https: neither may hide the other
				name = config.RedactURL(e.URL)
			}
			seen[name] = true
			j.object(name, func() {
				j.object("gpus", func() {
					for k := range e.GPUs {
						j.object(e.GPUs[k].Key, func() { j.gpu(&e.GPUs[k]) })
					}
				})
			})
		}
	})
	j.errorSummary("error_summary", t.ErrorSummary)
}

func redactURLs(urls []string) []string {
	shown := make([]string, len(urls))
	for i, u := range urls {
		shown[i] = config.RedactURL(u)
	}
	return shown
}

func (j *jsonText) gpu(g *GPU) {
	j.integer("gpu_index", int64(g.Index))
	j.text("gpu_name", g.Name)
	j.text("gpu_uuid", g.UUID)
	j.text("platform", g.Platform)
	j.text("hostname", g.Hostname) // readers refuse a GPU without it
	j.optText("namespace", g.Namespace)
	j.optText("pod_name", g.PodName)
	j.object("metrics", func() {
		for i := range g.Metrics {
			if hasValue(&g.Metrics[i].Stats) {
				j.statsBlock(g.Metrics[i].Tag, &g.Metrics[i])
			}
		}
	})
	if len(g.XIDCodes) > 0 { // a sibling: what stands among the metrics has a unit
		j.integerList("nvidia_xid_codes", g.XIDCodes)
	}
}
