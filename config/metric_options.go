package config

import "aiperf/metrics"

// MetricOptions says which metrics exist for a run: what the endpoint can do, how
// the load is made, and what the developer settings unlock.
func MetricOptions(run *Run) metrics.Options {
	b, env := &run.Benchmark, &run.Environment
	c := b.Endpoint.Capabilities
	return metrics.Options{
		ProducesTokens:          c.ProducesTokens,
		TokenizesInput:          c.TokenizesInput,
		SupportsAudio:           c.SupportsAudio,
		SupportsImages:          c.SupportsImages,
		SupportsVideos:          c.SupportsVideos,
		ProducesVideos:          c.ProducesVideos,
		Streaming:               b.Endpoint.Streaming,
		ServerTokenCounts:       b.Endpoint.UseServerTokenCount,
		OpenLoop:                openLoop(b.Phases),
		Experimental:            env.Dev.Mode && env.Dev.ShowExperimental,
		UsagePctDiffThreshold:   env.Metrics.UsagePctDiffThreshold,
		OSLMismatchPctThreshold: env.Metrics.OSLMismatchPctThreshold,
		OSLMismatchMaxTokens:    env.Metrics.OSLMismatchMaxTokens,
		SLOs:                    b.SLOs,
	}
}

// openLoop reports whether a profiling phase sends by the clock, so that its
// requests have a scheduled time.
func openLoop(phases []Phase) bool {
	for _, p := range phases {
		if p.Kind == KindProfiling && p.Type != TypeConcurrency {
			return true
		}
	}
	return false
}
