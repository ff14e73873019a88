package metrics

const familyCounts = "Counts and window"

// one is the contribution of a request that is counted.
func one(*calc) (float64, bool) { return 1, true }

var requestCount = declare(Declaration{
	Tag: "request_count", Header: "Request Count", ShortHeader: "Requests", HideUnit: true,
	Family: familyCounts, Kind: KindAggregate, Unit: Requests, Order: 1100, Integer: true,
	Flags:   LargerIsBetter | NoIndividualRecords,
	Formula: "number of successful requests",
	formula: formula{follow: one},
})

// errorRequestCount leaves cancelled requests out: they are an outcome of their own.
var errorRequestCount = declare(Declaration{
	Tag: "error_request_count", Header: "Error Request Count", ShortHeader: "Error Count", HideUnit: true,
	Family: familyCounts, Kind: KindAggregate, Unit: Requests, Integer: true,
	Flags:   ErrorOnly | NoIndividualRecords,
	Formula: "number of failed requests; cancelled ones are not failed",
	formula: formula{follow: one},
})

var cancelledRequestCount = declare(Declaration{
	Tag: "cancelled_request_count", Header: "Cancelled Request Count", ShortHeader: "Cancelled Count", HideUnit: true,
	Family: familyCounts, Kind: KindAggregate, Unit: Requests, Order: 1076, Integer: true,
	Flags: CancelledOnly | NoIndividualRecords, Group: GroupNone,
	Formula: "number of cancelled requests",
	formula: formula{follow: one},
})

var completedRequestCount = declare(Declaration{
	Tag: "completed_request_count", Header: "Completed Requests (Success + Error)", ShortHeader: "Completed", HideUnit: true,
	Family: familyCounts, Kind: KindDerived, Unit: Requests, Order: 1075, Integer: true,
	Flags:    NoIndividualRecords,
	Optional: []*Declaration{requestCount, errorRequestCount},
	Formula:  "successful + failed requests; no value for 0",
	formula: formula{derive: func(s *summary) (float64, bool) {
		n := s.attempted()
		return n, n > 0
	}},
})

// requestErrorRate has optional needs only, so that a run in which everything failed
// still reports 100 %, and a clean one 0 %.
var requestErrorRate = declare(Declaration{
	Tag: "request_error_rate", Header: "Request Error Rate", ShortHeader: "Err %", HideUnit: true,
	Family: familyCounts, Kind: KindDerived, Unit: Percent, Order: 1080,
	Flags:    NoIndividualRecords,
	Optional: []*Declaration{requestCount, errorRequestCount},
	Formula:  "100 × failed / (successful + failed requests)",
	formula: formula{derive: func(s *summary) (float64, bool) {
		return ratio(100*s.of(errorRequestCount), s.attempted())
	}},
})

// attempted is how many requests succeeded or failed.
func (s *summary) attempted() float64 { return s.of(requestCount) + s.of(errorRequestCount) }

var contextOverflowCount = declare(Declaration{
	Tag: "context_overflow_count", Header: "Context Overflow Count", ShortHeader: "Ctx Overflow", HideUnit: true,
	Family: familyCounts, Kind: KindAggregate, Unit: Requests, Integer: true,
	Flags:   ErrorOnly | NoIndividualRecords,
	Formula: "number of failed requests that were too long for the model",
	formula: formula{measure: func(c *calc) (float64, bool) {
		if c.record.ContextOverflow {
			return 1, true
		}
		return 0, true
	}},
})

var minRequestTimestamp = declare(Declaration{
	Tag: "min_request_timestamp", Header: "Minimum Request Timestamp", ShortHeader: "Min Req", HideUnit: true,
	Family: familyCounts, Kind: KindAggregate, Unit: Nanoseconds, Integer: true,
	Flags: NoIndividualRecords | Internal, Group: GroupNone,
	Formula: "earliest start of a successful request, since the epoch",
	formula: formula{derive: func(s *summary) (float64, bool) {
		first, _, ok := s.extent()
		return float64(first), ok
	}},
})

var maxResponseTimestamp = declare(Declaration{
	Tag: "max_response_timestamp", Header: "Maximum Response Timestamp", ShortHeader: "Max Resp", HideUnit: true,
	Family: familyCounts, Kind: KindAggregate, Unit: Nanoseconds, Integer: true,
	Flags: NoIndividualRecords | Internal, Group: GroupNone,
	Requires: []*Declaration{requestLatency},
	Formula:  "latest start + request latency, since the epoch",
	formula: formula{derive: func(s *summary) (float64, bool) {
		_, last, ok := s.extent()
		return float64(last), ok
	}},
})

// benchmarkDuration adds up the phases of the summary, so that idle time between two
// phases counts for nothing. It is computed from whole nanoseconds: a float64 holds
// an epoch stamp only to 256 ns.
var benchmarkDuration = declare(Declaration{
	Tag: "benchmark_duration", Header: "Benchmark Duration", ShortHeader: "Duration", HideUnit: true,
	Family: familyCounts, Kind: KindDerived, Unit: Nanoseconds, DisplayUnit: Seconds, Integer: true, Group: GroupNone,
	Requires: []*Declaration{maxResponseTimestamp, minRequestTimestamp},
	Formula:  "sum over phases of max response − min request timestamp",
	formula: formula{derive: func(s *summary) (float64, bool) {
		ns := s.duration()
		return float64(ns), ns > 0
	}},
})

var creditDropLatency = declare(Declaration{
	Tag: "credit_drop_latency", Header: "Credit Drop Latency", ShortHeader: "Credit Latency",
	Family: familyCounts, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Integer: true,
	Flags: Internal, Group: GroupNone,
	Formula: "start − the worker's receipt of the credit (or its due time, if later)",
	formula: formula{measure: func(c *calc) (float64, bool) {
		ns := c.record.CreditDropLatencyNS
		return float64(ns), ns > 0
	}},
})
