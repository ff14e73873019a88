package metrics

import "math"

const familyUsageDiff = "Usage discrepancy"

var usagePromptTokensDiffPct = declare(Declaration{
	Tag: "usage_prompt_tokens_diff_pct", Header: "Usage Prompt Diff %", ShortHeader: "Prompt Diff", HideUnit: true,
	Family: familyUsageDiff, Kind: KindRecord, Unit: Percent,
	Flags: UsageDiffOnly | TokenizesInputOnly, Group: GroupNone,
	Requires: []*Declaration{inputSequenceLength, usagePromptTokens},
	Formula:  "100 × |usage prompt tokens − ISL| / ISL",
	formula:  formula{follow: differencePct(usagePromptTokens, inputSequenceLength)},
})

// usageCompletionTokensDiffPct compares with the OSL, reasoning included, since
// servers count reasoning as completion.
var usageCompletionTokensDiffPct = declare(Declaration{
	Tag: "usage_completion_tokens_diff_pct", Header: "Usage Completion Diff %", ShortHeader: "Completion Diff", HideUnit: true,
	Family: familyUsageDiff, Kind: KindRecord, Unit: Percent,
	Flags: UsageDiffOnly | ProducesTokensOnly, Group: GroupNone,
	Requires: []*Declaration{outputSequenceLength, usageCompletionTokens},
	Formula:  "100 × |usage completion tokens − OSL| / OSL",
	formula:  formula{follow: differencePct(usageCompletionTokens, outputSequenceLength)},
})

var usageReasoningTokensDiffPct = declare(Declaration{
	Tag: "usage_reasoning_tokens_diff_pct", Header: "Usage Reasoning Diff %", ShortHeader: "Reasoning Diff", HideUnit: true,
	Family: familyUsageDiff, Kind: KindRecord, Unit: Percent,
	Flags: UsageDiffOnly | ProducesTokensOnly | SupportsReasoning, Group: GroupNone,
	Requires: []*Declaration{reasoningTokenCount, usageReasoningTokens},
	Formula:  "100 × |usage reasoning tokens − reasoning tokens| / reasoning tokens",
	formula:  formula{follow: differencePct(usageReasoningTokens, reasoningTokenCount)},
})

// differencePct is how far the server's count is from ours, in % of ours.
func differencePct(theirs, ours *Declaration) func(*calc) (float64, bool) {
	return func(c *calc) (float64, bool) {
		n := c.of(ours)
		return ratio(100*math.Abs(c.of(theirs)-n), n)
	}
}

// usageDiscrepancyCount needs one of the two main differences; which ones exist
// depends on the endpoint.
var usageDiscrepancyCount = declare(Declaration{
	Tag: "usage_discrepancy_count", Header: "Usage Discrepancy Count", ShortHeader: "Discrepancies", HideUnit: true,
	Family: familyUsageDiff, Kind: KindAggregate, Unit: Requests, Integer: true,
	Flags: UsageDiffOnly | NoIndividualRecords, Group: GroupNone,
	RequiresAny: []*Declaration{usagePromptTokensDiffPct, usageCompletionTokensDiffPct},
	Optional:    []*Declaration{usageReasoningTokensDiffPct},
	Formula:     "requests with a difference above the threshold (AIPERF_METRICS_USAGE_PCT_DIFF_THRESHOLD)",
	formula: formula{follow: func(c *calc) (float64, bool) {
		for _, d := range [...]*Declaration{usagePromptTokensDiffPct, usageCompletionTokensDiffPct, usageReasoningTokensDiffPct} {
			if pct, ok := c.get(d); ok && pct > c.options.UsagePctDiffThreshold {
				return 1, true
			}
		}
		return 0, true
	}},
})
