package metrics

const (
	familyCredit = "Credit-based latency"
	creditOrder  = 10100 // after the time-weighted rows
)

var creditToStartLatency = declare(Declaration{
	Tag: "credit_to_start_latency", Header: "Credit-to-Start Latency",
	Family: familyCredit, Kind: KindInjected, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: creditOrder,
	Group:   GroupNone,
	Formula: "start − due time of the credit, at least 0; all records",
})

// effectiveLatency counts from when the request should have gone out and to the end of
// the exchange, so that a late client cannot hide waiting time.
var effectiveLatency = declare(Declaration{
	Tag: "effective_latency", Header: "Effective Latency (CO-aware)",
	Family: familyCredit, Kind: KindInjected, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: creditOrder + 1,
	Group:   GroupEffective,
	Formula: "end − scheduled time if known, else − due time of the credit, at least 0; successes only",
})

var adjustedEffectiveLatency = declareAdjusted(effectiveLatency, GroupEffective, creditOrder+2)

// creditResults are the latencies that count from the credit.
func creditResults(s *sampler) []Result {
	var out []Result
	var starts, toIssue []int64
	s.empty()
	s.eachRow(func() { starts, toIssue = s.view.ints(&s.store.starts), s.view.ints(&s.store.toIssue) }, func(i int) {
		if starts[i] != toIssue[i] { // it was issued
			s.buffer = append(s.buffer, float64(max(0, toIssue[i])))
		}
	})
	if d, ok := s.describe(); ok {
		out = append(out, creditToStartLatency.result(d.stats(creditToStartLatency.display)))
	}

	s.effectiveLatencies()
	if d, ok := s.describe(); ok {
		out = append(out, effectiveLatency.result(d.stats(effectiveLatency.display)))
		if s.failures > 0 {
			out = append(out, adjustedEffectiveLatency.result(adjustedStats(s.buffer, s.failures, effectiveLatency.display)))
		}
	}
	return out
}

// effectiveLatencies makes them the sample at hand. Stamps are of different processes:
// no distance is below 0.
func (s *sampler) effectiveLatencies() {
	s.empty()
	var delays []float64
	var starts, lasting, toIssue []int64
	s.eachRow(func() {
		delays, starts = s.view.column(startDelay), s.view.ints(&s.store.starts)
		lasting, toIssue = s.view.ints(&s.store.lasting), s.view.ints(&s.store.toIssue)
	}, func(i int) {
		switch {
		case s.view.outcomes[i] != succeeded:
		case delays[i] == delays[i]:
			s.buffer = append(s.buffer, float64(max(0, lasting[i]))+delays[i])
		case starts[i] != toIssue[i]:
			s.buffer = append(s.buffer, float64(max(0, lasting[i]+toIssue[i])))
		}
	})
}
