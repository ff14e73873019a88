package metrics

import "aiperf/clock"

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
func creditResults(s *summary) []Result {
	var out []Result
	s.buffer = s.buffer[:0]
	for _, row := range s.rows {
		if issued := s.store.issued[row]; issued != 0 {
			s.buffer = append(s.buffer, since(s.store.starts[row], issued))
		}
	}
	if d, ok := describe(s.buffer); ok {
		out = append(out, creditToStartLatency.result(d.stats(creditToStartLatency.display)))
	}

	s.buffer = s.buffer[:0]
	for _, row := range s.rows {
		if ns, ok := s.effectiveLatency(row); ok {
			s.buffer = append(s.buffer, ns)
		}
	}
	if d, ok := describe(s.buffer); ok {
		out = append(out, effectiveLatency.result(d.stats(effectiveLatency.display)))
		if s.failures > 0 {
			out = append(out, adjustedEffectiveLatency.result(adjustedStats(s.buffer, s.failures, effectiveLatency.display)))
		}
	}
	return out
}

func (s *summary) effectiveLatency(row int) (ns float64, ok bool) {
	st := s.store
	if st.outcomes[row] != succeeded {
		return 0, false
	}
	if delay, ok := st.at(startDelay, row); ok {
		return since(st.ends[row], st.starts[row]) + delay, true
	}
	if st.issued[row] == 0 {
		return 0, false
	}
	return since(st.ends[row], st.issued[row]), true
}

// since is later − earlier [ns], at least 0: the stamps are of different processes.
func since(later, earlier clock.WallNS) float64 { return float64(max(0, later.Sub(earlier))) }
