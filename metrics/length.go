package metrics

const familyLength = "Lengths"

// outputSequenceLength is all that the model wrote, reasoning included.
var outputSequenceLength = declare(Declaration{
	Tag: "output_sequence_length", Header: "Output Sequence Length", ShortHeader: "OSL",
	Family: familyLength, Kind: KindRecord, Unit: Tokens, Order: 600, Integer: true,
	Flags:   ProducesTokensOnly | LargerIsBetter,
	Formula: "output + reasoning tokens; an absent one counts 0",
	formula: formula{measure: func(c *calc) (float64, bool) {
		t := c.record.Tokens
		if t.Output < 0 && t.Reasoning < 0 {
			return 0, false
		}
		return float64(max(0, t.Output) + max(0, t.Reasoning)), true
	}},
})

var inputSequenceLength = declare(Declaration{
	Tag: "input_sequence_length", Header: "Input Sequence Length", ShortHeader: "ISL",
	Family: familyLength, Kind: KindRecord, Unit: Tokens, Order: 700, Integer: true,
	Flags:   TokenizesInputOnly | LargerIsBetter,
	Formula: "input tokens",
	formula: formula{measure: inputTokens},
})

// outputTokenCount leaves reasoning out. An answer that is reasoning only has no
// value here, not a 0.
var outputTokenCount = declare(Declaration{
	Tag: "output_token_count", Header: "Output Token Count", ShortHeader: "Output Tokens", HideUnit: true,
	Family: familyLength, Kind: KindRecord, Unit: Tokens, Integer: true,
	Flags: ProducesTokensOnly | LargerIsBetter, Group: GroupNone,
	Formula: "output tokens; 0 is no value",
	formula: formula{measure: func(c *calc) (float64, bool) {
		n := c.record.Tokens.Output
		return float64(n), n > 0
	}},
})

var reasoningTokenCount = declare(Declaration{
	Tag: "reasoning_token_count", Header: "Reasoning Token Count", ShortHeader: "Reasoning Tokens", HideUnit: true,
	Family: familyLength, Kind: KindRecord, Unit: Tokens, Integer: true,
	Flags: ProducesTokensOnly | LargerIsBetter | SupportsReasoning, Group: GroupNone,
	Formula: "reasoning tokens",
	formula: formula{measure: func(c *calc) (float64, bool) {
		n := c.record.Tokens.Reasoning
		return float64(n), n >= 0
	}},
})

var errorISL = declare(Declaration{
	Tag: "error_isl", Header: "Error Input Sequence Length", ShortHeader: "Error ISL",
	Family: familyLength, Kind: KindRecord, Unit: Tokens, Order: 700, Integer: true,
	Flags: TokenizesInputOnly | ErrorOnly | LargerIsBetter, Group: GroupNone,
	Formula: "input tokens of a failed request",
	formula: formula{measure: inputTokens},
})

func inputTokens(c *calc) (float64, bool) {
	n := c.record.Tokens.Input
	return float64(n), n >= 0
}

var (
	totalOSL             = declareTotal(outputSequenceLength, "total_osl", "Total OSL", 0)
	totalISL             = declareTotal(inputSequenceLength, "total_isl", "Total ISL", 0)
	totalOutputTokens    = declareTotal(outputTokenCount, "total_output_tokens", "Total Output", 0)
	totalReasoningTokens = declareTotal(reasoningTokenCount, "total_reasoning_tokens", "Total Reasoning", 0)
	totalErrorISL        = declareTotal(errorISL, "total_error_isl", "Total Error ISL", 0)
)
