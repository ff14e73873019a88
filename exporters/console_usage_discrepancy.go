package exporters

import (
	"fmt"
	"math"
	"strconv"

	"aiperf/config"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleUsageDiscrepancy", func() ConsoleExporter { return ConsoleUsageDiscrepancy{} })
}

// ConsoleUsageDiscrepancy warns when the server counts other tokens than the client.
type ConsoleUsageDiscrepancy struct{}

// templateTokens is the most that a chat template is believed to add to a prompt.
const templateTokens = 64

// Render adds a panel, or one line when the difference is only a chat template.
func (ConsoleUsageDiscrepancy) Render(c *Console, run *config.Run, r *Report) {
	count, total, ok := affectedRequests(r, "usage_discrepancy_count")
	if !ok {
		return
	}
	if n, constant := templateOverhead(r.Profile.Records); constant {
		c.Textf(Dim, "The server counts %s prompt tokens more than the client in every request: the chat template around the prompt. "+
			"Completion counts agree. Input lengths are those of the prompt text; --use-server-token-count takes the server's.", shortNumber(n))
		return
	}
	threshold := shortNumber(run.Environment.Metrics.UsagePctDiffThreshold)
	c.advisory("Token Count Discrepancy Warning",
		fmt.Sprintf("%s show a difference exceeding %s%% between:", shareOf(count, total), threshold),
		"  - API-reported usage tokens (from 'usage' field)",
		"  - Client-computed token counts (from tokenization)",
		"",
		"Possible Causes:",
		"  - Different tokenization methods (API vs client)",
		"  - API special tokens or preprocessing",
		"",
		"Investigation Steps:",
		fmt.Sprintf("  1. Review %s for per-request usage_*_diff_pct values", namesOf(run).Records),
		"  2. Verify client tokenizer matches the model's tokenizer",
		"  3. Use server token counts: --use-server-token-count (disables client tokenization and diff metrics)",
		"  4. Adjust threshold: AIPERF_METRICS_USAGE_PCT_DIFF_THRESHOLD="+threshold,
	)
}

// affectedRequests reads a warning's counter and the number of requests it is a
// part of; ok says that there is something to warn of.
func affectedRequests(r *Report, tag string) (count, total float64, ok bool) {
	if r.Profile == nil {
		return 0, 0, false
	}
	count, _ = average(r.Profile.Records, tag)
	total, _ = average(r.Profile.Records, "request_count")
	return count, total, count > 0 && total > 0
}

func shareOf(count, total float64) string {
	return fmt.Sprintf("%s of %s requests (%.1f%%)", thousands(shortNumber(count)), thousands(shortNumber(total)), 100*count/total)
}

func shortNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// templateOverhead finds out whether the server's prompt counts are the client's plus
// one small constant: then both distributions have the same shape, one moved by that
// constant. Completion counts must agree.
func templateOverhead(all []metrics.Result) (tokens float64, ok bool) {
	var usage, isl, completion *metrics.Result
	for i := range all {
		switch all[i].Tag {
		case "usage_prompt_tokens":
			usage = &all[i]
		case "input_sequence_length":
			isl = &all[i]
		case "usage_completion_tokens_diff_pct":
			completion = &all[i]
		}
	}
	if usage == nil || isl == nil || usage.Count == nil || isl.Count == nil || *usage.Count != *isl.Count {
		return 0, false
	}
	if completion != nil && (completion.Max == nil || *completion.Max != 0) {
		return 0, false
	}
	for i, st := range append([]stat{statMin, statMax}, percentiles...) {
		u, c := st.of(&usage.Stats), st.of(&isl.Stats)
		if !finite(u) || !finite(c) {
			return 0, false
		}
		if i == 0 {
			tokens = *u - *c
		}
		if math.Abs(*u-*c-tokens) > 1e-6 {
			return 0, false
		}
	}
	return tokens, tokens > 0 && tokens <= templateTokens
}
