package metrics

const (
	familySweeps = "Time-weighted load"
	sweepOrder   = 10000 // after all ordered rows
)

// sweepMetrics are the time-weighted metrics in the order of their console rows.
var sweepMetrics []*sweepMetric

// declareSweep declares a time-weighted metric. Its result has avg, min, max, p50,
// p90, p95, p99 and std, weighted by time.
func declareSweep(tag, header string, unit Unit, flags Flags, c func(*load) curve, mask func(*load) curve, formulaText string) *sweepMetric {
	m := &sweepMetric{curve: c, mask: mask, scale: 1}
	group := GroupEffective
	if mask != nil {
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

// The curves.
func concurrencyCurve(l *load) curve        { return l.concurrency }
func prefillConcurrencyCurve(l *load) curve { return l.prefillConcurrency }
func decodeConcurrencyCurve(l *load) curve  { return l.decodeConcurrency }
func decodeRateCurve(l *load) curve         { return l.decodeRate }
func prefillRateCurve(l *load) curve        { return l.prefillRate }
func totalRateCurve(l *load) curve          { return l.totalRate }
func tokensInFlightCurve(l *load) curve     { return l.tokensInFlight }
func decodePerUserCurve(l *load) curve      { return perUser(l.decodeRate, l.decodeConcurrency) }
func prefillPerUserCurve(l *load) curve     { return perUser(l.prefillRate, l.prefillConcurrency) }

var _ = declareSweep("effective_concurrency", "Effective Concurrency", Requests, 0,
	concurrencyCurve, nil, "requests over [start, end)")
var _ = declareSweep("effective_decode_throughput", "Effective Decode Throughput", TokensPerSecond, LargerIsBetter,
	decodeRateCurve, nil, "decode rate")
var _ = declareSweep("effective_prefill_throughput", "Effective Prefill Throughput", TokensPerSecond, LargerIsBetter,
	prefillRateCurve, nil, "prefill rate")
var _ = declareSweep("effective_decode_concurrency", "Effective Decode Concurrency", Requests, 0,
	decodeConcurrencyCurve, nil, "requests over [first content, end)")
var _ = declareSweep("effective_prefill_concurrency", "Effective Prefill Concurrency", Requests, 0,
	prefillConcurrencyCurve, nil, "requests over [start, first content)")
var _ = declareSweep("effective_total_throughput", "Effective Total Throughput", TokensPerSecond, LargerIsBetter,
	totalRateCurve, nil, "prefill + decode rate")
var _ = declareSweep("effective_decode_throughput_per_user", "Effective Decode Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	decodePerUserCurve, nil, "decode rate / decode concurrency")
var _ = declareSweep("effective_prefill_throughput_per_user", "Effective Prefill Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	prefillPerUserCurve, nil, "prefill rate / prefill concurrency")
var _ = declareSweep("tokens_in_flight", "Tokens In Flight", Tokens, 0,
	tokensInFlightCurve, nil, "input and generated tokens of running requests")
var _ = declareSweep("active_decode_throughput", "Active Decode Throughput", TokensPerSecond, LargerIsBetter,
	decodeRateCurve, decodeConcurrencyCurve, "decode rate while a request decodes")
var _ = declareSweep("active_prefill_throughput", "Active Prefill Throughput", TokensPerSecond, LargerIsBetter,
	prefillRateCurve, prefillConcurrencyCurve, "prefill rate while a request prefills")
var _ = declareSweep("active_decode_throughput_per_user", "Active Decode Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	decodePerUserCurve, decodeConcurrencyCurve, "decode rate / decode concurrency while a request decodes")
var _ = declareSweep("active_prefill_throughput_per_user", "Active Prefill Throughput Per User", TokensPerSecondPerUser, LargerIsBetter,
	prefillPerUserCurve, prefillConcurrencyCurve, "prefill rate / prefill concurrency while a request prefills")
var _ = declareSweep("active_total_throughput", "Active Total Throughput", TokensPerSecond, LargerIsBetter,
	totalRateCurve, concurrencyCurve, "prefill + decode rate while a request runs")
