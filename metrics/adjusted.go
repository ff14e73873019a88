package metrics

import "math"

const (
	familyAdjusted = "Error-adjusted latency"
	// adjustedOrder puts the family after all ordered rows, in their parents' order.
	adjustedOrder = 20000
)

// declareAdjusted declares the error-adjusted twin of a metric: the same sample with
// an infinite value for every failed request.
func declareAdjusted(parent *Declaration, group Group, order int) *Declaration {
	return declare(Declaration{
		Tag: "adj_" + parent.Tag, Header: parent.Header + " (error-adjusted)",
		Family: familyAdjusted, Kind: KindInjected, Unit: parent.Unit, DisplayUnit: parent.DisplayUnit, Order: order,
		Flags: parent.Flags & StreamingTokensOnly, Group: group,
		Formula: parent.Tag + ", each failed request counted as infinitely slow; nearest rank",
	})
}

// adjustedStats are the statistics of a sorted sample to which failures infinite
// values are added:
//
//	pQ = x[round(Q/100 · (n − 1))], ties to even        n = successes + failures
//
// Interpolation would subtract infinities. What is infinite is absent; so are the mean
// and the sum, which are infinite always, and the spread.
func adjustedStats(sorted []float64, failures int, convert func(float64) float64) Stats {
	n := len(sorted) + failures
	count := int64(n)
	at := func(q float64) *float64 {
		rank := int(math.RoundToEven(q / 100 * float64(n-1)))
		if rank >= len(sorted) {
			return nil
		}
		return present(convert(sorted[rank]))
	}
	p := &percentiles
	return Stats{
		P1: at(p[0]), P5: at(p[1]), P10: at(p[2]), P25: at(p[3]), P50: at(p[4]),
		P75: at(p[5]), P90: at(p[6]), P95: at(p[7]), P99: at(p[8]),
		Min: at(0), Max: at(100), Count: &count,
	}
}
