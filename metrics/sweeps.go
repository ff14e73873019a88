package metrics

const (
	familySweeps = "Time-weighted load"
	sweepOrder   = 10000 // after all ordered rows
)

// sweepMetrics are the time-weighted metrics in the order of their console rows.
var sweepMetrics []*sweepMetric

// sweepMetric is one time-weighted metric: a curve, over all of the window or, for the
// active ones, over the time in which the curve's requests ran.
type sweepMetric struct {
	*Declaration
	scale  float64 // curve to unit
	curve  curveID
	active bool
}

// declareSweep declares a time-weighted metric. Its result has avg, min, max, p50,
// p90, p95, p99 and std, weighted by time.
func declareSweep(tag, header string, unit Unit, flags Flags, c curveID, active bool, formulaText string) *sweepMetric {
	m := &sweepMetric{curve: c, active: active, scale: 1}
	group := GroupEffective
	if active {
		group = GroupActive
	}
	if unit == TokensPerSecond || unit == TokensPerSecondPerUser {
		m.scale = nsPerSecond
	}
	m.Declaration = declare(Declaration{
		Tag: tag, Header: header,
		Family: familySweeps, Kind: KindInjected, Unit: unit, Order: sweepOrder + len(sweepMetrics),
		Flags: flags, Group: group, Formula: formulaText,
	})
	sweepMetrics = append(sweepMetrics, m)
	return m
}

var _ = declareSweep("effective_concurrency", "Effective Concurrency", Requests, 0,
	concurrency, false, "requests over [start, end)")
var _ = declareSweep("effective_decode_throughput", "Effective Decode Throughput", TokensPerSecond, LargerIsBetter,
	decodeRate, false, "decode rate")
var _ = declareSweep("effective_prefill_throughput", "Effective Prefill Throughput", TokensPerSecond, LargerIsBetter,
	prefillRate, false, "prefill rate")
var _ = declareSweep("effective_decode_concurrency", "Effective Decode Concurrency", Requests, 0,
	decodeConcurrency, false, "requests over [first content, end)")
var _ = declareSweep("effective_prefill_concurrency", "Effective Prefill Concurrency", Requests, 0,
	prefillConcurrency, false, "requests over [start, first content)")
var _ = declareSweep("effective_total_throughput", "Effective Total Throughput", TokensPerSecond, LargerIsBetter,
	totalRate, false, "prefill + decode rate")
var _ = declareSweep("effective_decode_throughput_per_user", "Effective Decode Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	decodePerUser, false, "decode rate / decode concurrency")
var _ = declareSweep("effective_prefill_throughput_per_user", "Effective Prefill Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	prefillPerUser, false, "prefill rate / prefill concurrency")
var _ = declareSweep("tokens_in_flight", "Tokens In Flight", Tokens, 0,
	tokensInFlight, false, "input and generated tokens of running requests")
var _ = declareSweep("active_decode_throughput", "Active Decode Throughput", TokensPerSecond, LargerIsBetter,
	decodeRate, true, "decode rate while a request decodes")
var _ = declareSweep("active_prefill_throughput", "Active Prefill Throughput", TokensPerSecond, LargerIsBetter,
	prefillRate, true, "prefill rate while a request prefills")
var _ = declareSweep("active_decode_throughput_per_user", "Active Decode Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	decodePerUser, true, "decode rate / decode concurrency while a request decodes")
var _ = declareSweep("active_prefill_throughput_per_user", "Active Prefill Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	prefillPerUser, true, "prefill rate / prefill concurrency while a request prefills")
var _ = declareSweep("active_total_throughput", "Active Total Throughput", TokensPerSecond, LargerIsBetter,
	totalRate, true, "prefill + decode rate while a request runs")
