package metrics

const familyThroughput = "Throughput"

var outputTokenThroughputPerUser = declare(Declaration{
	Tag: "output_token_throughput_per_user", Header: "Output Token Throughput Per User", ShortHeader: "Output TPS/User", HideUnit: true,
	Family: familyThroughput, Kind: KindRecord, Unit: TokensPerSecondPerUser, Order: 500,
	Flags:    StreamingTokensOnly | LargerIsBetter,
	Requires: []*Declaration{interTokenLatency},
	Formula:  "1 / ITL [sec]",
	formula: formula{follow: func(c *calc) (float64, bool) {
		return ratio(nsPerSecond, c.of(interTokenLatency))
	}},
})

var e2eOutputTokenThroughput = declare(Declaration{
	Tag: "e2e_output_token_throughput", Header: "E2E Output Token Throughput", ShortHeader: "E2E Output TPS/User", HideUnit: true,
	Family: familyThroughput, Kind: KindRecord, Unit: TokensPerSecondPerUser, Order: 510,
	Flags:    ProducesTokensOnly | LargerIsBetter,
	Requires: []*Declaration{outputSequenceLength, requestLatency},
	Formula:  "OSL / request latency [sec]",
	formula: formula{follow: func(c *calc) (float64, bool) {
		return ratio(c.of(outputSequenceLength)*nsPerSecond, c.of(requestLatency))
	}},
})

var prefillThroughputPerUser = declare(Declaration{
	Tag: "prefill_throughput_per_user", Header: "Prefill Throughput Per User", ShortHeader: "Prefill TPS/User", HideUnit: true,
	Family: familyThroughput, Kind: KindRecord, Unit: TokensPerSecondPerUser,
	Flags: StreamingTokensOnly | TokenizesInputOnly | LargerIsBetter, Group: GroupNone,
	Requires: []*Declaration{inputSequenceLength, timeToFirstToken},
	Formula:  "ISL / TTFT [sec]",
	formula: formula{follow: func(c *calc) (float64, bool) {
		return ratio(c.of(inputSequenceLength)*nsPerSecond, c.of(timeToFirstToken))
	}},
})

var outputTokenThroughput = declare(Declaration{
	Tag: "output_token_throughput", Header: "Output Token Throughput", ShortHeader: "Output TPS", HideUnit: true,
	Family: familyThroughput, Kind: KindDerived, Unit: TokensPerSecond, Order: 800,
	Flags:    ProducesTokensOnly | LargerIsBetter,
	Requires: []*Declaration{totalOSL, benchmarkDuration},
	Formula:  "total OSL / benchmark duration [sec]",
	formula:  formula{derive: perSecond(totalOSL)},
})

var inputTokenThroughput = declare(Declaration{
	Tag: "input_token_throughput", Header: "Input Token Throughput", ShortHeader: "Input TPS", HideUnit: true,
	Family: familyThroughput, Kind: KindDerived, Unit: TokensPerSecond, Order: 805,
	Flags:    LargerIsBetter,
	Requires: []*Declaration{totalISL, benchmarkDuration},
	Formula:  "total ISL / benchmark duration [sec]",
	formula:  formula{derive: perSecond(totalISL)},
})

var totalTokenThroughput = declare(Declaration{
	Tag: "total_token_throughput", Header: "Total Token Throughput", ShortHeader: "Total TPS", HideUnit: true,
	Family: familyThroughput, Kind: KindDerived, Unit: TokensPerSecond,
	Flags: ProducesTokensOnly | LargerIsBetter, Group: GroupNone,
	Requires: []*Declaration{totalISL, totalOSL, benchmarkDuration},
	Formula:  "(total ISL + total OSL) / benchmark duration [sec]",
	formula: formula{derive: func(s *summary) (float64, bool) {
		return ratio((s.of(totalISL)+s.of(totalOSL))*nsPerSecond, s.of(benchmarkDuration))
	}},
})

var requestThroughput = declare(Declaration{
	Tag: "request_throughput", Header: "Request Throughput", ShortHeader: "Req/sec", HideUnit: true,
	Family: familyThroughput, Kind: KindDerived, Unit: RequestsPerSecond, Order: 900,
	Flags:    LargerIsBetter,
	Requires: []*Declaration{requestCount, benchmarkDuration},
	Formula:  "request count / benchmark duration [sec]",
	formula:  formula{derive: perSecond(requestCount)},
})

// perSecond is the rate of a scalar over the benchmark duration.
func perSecond(amount *Declaration) func(*summary) (float64, bool) {
	return func(s *summary) (float64, bool) {
		return ratio(s.of(amount)*nsPerSecond, s.of(benchmarkDuration))
	}
}
