package metrics

const familyUsage = "API usage"

// usageMetric is what differs between the metrics of the usage object.
type usageMetric struct {
	tag, header, short string
	totalShort         string // default: "Total " + short
	order              int    // of the total: 1000 more
	flags              Flags
	read               func(u *Usage) int64 // negative: absent
}

// declareUsage declares what the server reported per request, and its total.
func declareUsage(m usageMetric) (part, total *Declaration) {
	if m.totalShort == "" {
		m.totalShort = "Total " + m.short
	}
	part = declare(Declaration{
		Tag: m.tag, Header: m.header, ShortHeader: m.short, HideUnit: true,
		Family: familyUsage, Kind: KindRecord, Unit: Tokens, Order: m.order, Integer: true,
		Flags: m.flags, Group: GroupUsage,
		Formula: "as reported by the server",
		formula: formula{measure: func(c *calc) (float64, bool) {
			if c.record.Usage == nil {
				return 0, false
			}
			n := m.read(c.record.Usage)
			return float64(n), n >= 0
		}},
	})
	return part, declareTotal(part, "total_"+m.tag, m.totalShort, m.order+1000)
}

var usagePromptTokens, totalUsagePromptTokens = declareUsage(usageMetric{
	tag: "usage_prompt_tokens", header: "Usage Prompt Tokens", short: "Usage Prompt",
	order: 1000, flags: TokenizesInputOnly | LargerIsBetter,
	read: func(u *Usage) int64 { return u.PromptTokens },
})

var _, totalUsagePromptCacheReadTokens = declareUsage(usageMetric{
	tag: "usage_prompt_cache_read_tokens", header: "Usage Prompt Cache Read Tokens", short: "Usage Prompt Cache Read",
	order: 1010, flags: LargerIsBetter,
	read: func(u *Usage) int64 { return u.PromptCacheReadTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_prompt_cache_write_tokens", header: "Usage Prompt Cache Write Tokens", short: "Usage Prompt Cache Write",
	order: 1015,
	read:  func(u *Usage) int64 { return u.PromptCacheWriteTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_prompt_cache_miss_tokens", header: "Usage Prompt Cache Miss Tokens", short: "Usage Prompt Cache Miss",
	order: 1017,
	read:  func(u *Usage) int64 { return u.PromptCacheMissTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_prompt_audio_tokens", header: "Usage Prompt Audio Tokens", short: "Usage Prompt Audio",
	order: 1020, flags: LargerIsBetter | SupportsAudioOnly,
	read: func(u *Usage) int64 { return u.PromptAudioTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_tool_use_prompt_tokens", header: "Usage Tool Use Prompt Tokens", short: "Usage Tool Prompt",
	order: 1030,
	read:  func(u *Usage) int64 { return u.ToolUsePromptTokens },
})

var usagePromptAudioSeconds = declare(Declaration{
	Tag: "usage_prompt_audio_seconds", Header: "Usage Prompt Audio Seconds", ShortHeader: "Usage Prompt Audio Sec",
	Family: familyUsage, Kind: KindRecord, Unit: Seconds, Order: 1040,
	Flags: LargerIsBetter | SupportsAudioOnly, Group: GroupUsage,
	Formula: "as reported by the server",
	formula: formula{measure: func(c *calc) (float64, bool) {
		if c.record.Usage == nil {
			return 0, false
		}
		s := c.record.Usage.PromptAudioSeconds
		return s, s >= 0
	}},
})

var _ = declareTotal(usagePromptAudioSeconds, "total_usage_prompt_audio_seconds", "Total Usage Prompt Audio Sec", 2040)

var usageCompletionTokens, _ = declareUsage(usageMetric{
	tag: "usage_completion_tokens", header: "Usage Completion Tokens", short: "Usage Completion",
	order: 1100, flags: ProducesTokensOnly | LargerIsBetter,
	read: func(u *Usage) int64 { return u.CompletionTokens },
})

var usageReasoningTokens, _ = declareUsage(usageMetric{
	tag: "usage_reasoning_tokens", header: "Usage Reasoning Tokens", short: "Usage Reasoning",
	order: 1110, flags: ProducesTokensOnly | LargerIsBetter,
	read: func(u *Usage) int64 { return u.ReasoningTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_completion_audio_tokens", header: "Usage Completion Audio Tokens", short: "Usage Completion Audio",
	totalShort: "Total Usage Comp Audio",
	order:      1120, flags: ProducesTokensOnly | LargerIsBetter | SupportsAudioOnly,
	read: func(u *Usage) int64 { return u.CompletionAudioTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_accepted_prediction_tokens", header: "Usage Accepted Prediction Tokens", short: "Usage Accepted Pred",
	order: 1130, flags: ProducesTokensOnly | LargerIsBetter,
	read: func(u *Usage) int64 { return u.AcceptedPredictionTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_rejected_prediction_tokens", header: "Usage Rejected Prediction Tokens", short: "Usage Rejected Pred",
	order: 1140, flags: ProducesTokensOnly,
	read: func(u *Usage) int64 { return u.RejectedPredictionTokens },
})

var _, _ = declareUsage(usageMetric{
	tag: "usage_total_tokens", header: "Usage Total Tokens", short: "Usage Total",
	order: 1200, flags: ProducesTokensOnly | LargerIsBetter,
	read: func(u *Usage) int64 { return u.TotalTokens },
})

// overallUsagePromptCacheReadPct weighs requests by their tokens: the share of all
// prompt tokens, not the mean of the requests' shares.
var overallUsagePromptCacheReadPct = declare(Declaration{
	Tag: "overall_usage_prompt_cache_read_pct", Header: "Overall Usage Prompt Cache Read %", ShortHeader: "Overall Cache Read %", HideUnit: true,
	Family: familyUsage, Kind: KindDerived, Unit: Percent, Order: 2012,
	Flags: LargerIsBetter, Group: GroupUsage,
	Requires: []*Declaration{totalUsagePromptCacheReadTokens, totalUsagePromptTokens},
	Formula:  "100 × total cache read tokens / total prompt tokens",
	formula: formula{derive: func(s *summary) (float64, bool) {
		return ratio(100*s.of(totalUsagePromptCacheReadTokens), s.of(totalUsagePromptTokens))
	}},
})
