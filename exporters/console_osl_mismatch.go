package exporters

import (
	"fmt"

	"aiperf/config"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleOSLMismatch", func() ConsoleExporter { return ConsoleOSLMismatch{} })
}

// ConsoleOSLMismatch warns when outputs are not as long as they were asked to be.
type ConsoleOSLMismatch struct{}

// Render adds the panel.
func (ConsoleOSLMismatch) Render(c *Console, run *config.Run, r *Report) {
	count, total, ok := affectedRequests(r, "osl_mismatch_count")
	if !ok {
		return
	}
	env := run.Environment.Metrics
	pct, tokens := shortNumber(env.OSLMismatchPctThreshold), shortNumber(env.OSLMismatchMaxTokens)
	lines := []string{
		fmt.Sprintf("%s have an output length that differs from the requested one by more than min(requested x %s%%, %s tokens)",
			shareOf(count, total), pct, tokens),
	}
	if mean, ok := average(r.Profile.Records, "osl_mismatch_diff_pct"); ok {
		lines = append(lines, fmt.Sprintf("Average difference over all requests: %+.1f%%", mean))
	}
	c.advisory("Output Sequence Length Mismatch Warning", append(lines,
		"",
		"Possible Causes:",
		"  - The model ends its answer (EOS) before the requested length",
		"  - The server limits or ignores the requested length",
		"",
		"Fixes:",
		"  - Keep generating after EOS: --extra-inputs ignore_eos:true",
		"  - Or ask for a least length: --extra-inputs min_tokens:<N>",
		"  - Count as the server does: --use-server-token-count",
		"",
		"Investigation Steps:",
		fmt.Sprintf("  1. Review %s for per-request osl_mismatch_diff_pct values", namesOf(run).Records),
		"  2. Adjust thresholds: AIPERF_METRICS_OSL_MISMATCH_PCT_THRESHOLD="+pct+
			", AIPERF_METRICS_OSL_MISMATCH_MAX_TOKEN_THRESHOLD="+tokens,
	)...)
}
