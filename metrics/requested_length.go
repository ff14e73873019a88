package metrics

import "math"

const familyRequested = "Requested output length"

var requestedOSL = declare(Declaration{
	Tag: "requested_osl", Header: "Requested OSL", ShortHeader: "Req OSL",
	Family: familyRequested, Kind: KindRecord, Unit: Tokens, Integer: true,
	Flags: Internal | ProducesTokensOnly, Group: GroupNone,
	Formula: "max tokens of the request",
	formula: formula{measure: func(c *calc) (float64, bool) {
		n := c.record.MaxTokens
		return float64(n), n > 0
	}},
})

// oslMismatchDiffPct is signed: negative for an answer that stopped early.
var oslMismatchDiffPct = declare(Declaration{
	Tag: "osl_mismatch_diff_pct", Header: "OSL Mismatch Diff %", ShortHeader: "OSL Diff", HideUnit: true,
	Family: familyRequested, Kind: KindRecord, Unit: Percent,
	Flags: ProducesTokensOnly | DisableOnAccuracy, Group: GroupNone,
	Requires: []*Declaration{requestedOSL, outputSequenceLength},
	Formula:  "100 × (OSL − requested) / requested",
	formula: formula{follow: func(c *calc) (float64, bool) {
		requested := c.of(requestedOSL)
		return ratio(100*(c.of(outputSequenceLength)-requested), requested)
	}},
})

var oslMismatchCount = declare(Declaration{
	Tag: "osl_mismatch_count", Header: "OSL Mismatch Count", ShortHeader: "OSL Mismatches", HideUnit: true,
	Family: familyRequested, Kind: KindAggregate, Unit: Requests, Integer: true,
	Flags: ProducesTokensOnly | NoIndividualRecords | DisableOnAccuracy, Group: GroupNone,
	Requires: []*Declaration{requestedOSL, outputSequenceLength, oslMismatchDiffPct},
	Formula: "requests with |OSL − requested| > min(requested × pct / 100, tokens); " +
		"pct: AIPERF_METRICS_OSL_MISMATCH_PCT_THRESHOLD, tokens: AIPERF_METRICS_OSL_MISMATCH_MAX_TOKEN_THRESHOLD",
	formula: formula{follow: func(c *calc) (float64, bool) {
		requested := c.of(requestedOSL)
		limit := min(requested*c.options.OSLMismatchPctThreshold/100, c.options.OSLMismatchMaxTokens)
		if math.Abs(c.of(outputSequenceLength)-requested) > limit {
			return 1, true
		}
		return 0, true
	}},
})
