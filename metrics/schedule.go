package metrics

const familySchedule = "Schedule and send"

// startDelay is how late the worker took the request up. Both stamps are wall clock,
// of two processes whose clocks were joined apart: a few microseconds below 0 are that
// error, so it is clamped.
var startDelay = declare(Declaration{
	Tag: "start_delay", Header: "Start Delay", ShortHeader: "Start Delay",
	Family: familySchedule, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Integer: true,
	Flags: OpenLoopOnly, Group: GroupNone,
	Formula: "start − scheduled, at least 0",
	formula: formula{measure: func(c *calc) (float64, bool) {
		r := c.record
		if r.ScheduledNS == 0 || r.TimestampNS == 0 {
			return 0, false
		}
		return float64(max(0, r.TimestampNS.Sub(r.ScheduledNS))), true
	}},
})

// sendWait holds what lies between taking a request up and writing it: the wait for a
// connection, and its set-up.
var sendWait = declare(Declaration{
	Tag: "send_wait", Header: "Send Wait", ShortHeader: "Send Wait",
	Family: familySchedule, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Integer: true,
	Group:   GroupNone,
	Formula: "send − start",
	formula: formula{measure: func(c *calc) (float64, bool) {
		return c.elapsed(c.record.SendPerfNS, c.record.StartPerfNS)
	}},
})

var sendDelay = declare(Declaration{
	Tag: "send_delay", Header: "Send Delay", ShortHeader: "Send Delay",
	Family: familySchedule, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Integer: true,
	Flags: OpenLoopOnly, Group: GroupNone,
	Requires: []*Declaration{startDelay, sendWait},
	Formula:  "send − scheduled",
	formula:  formula{follow: sumOfAll(startDelay, sendWait)},
})

// timerLateness tells the client's timers from what else may delay a start. Requests that
// reached the worker after their due time did not wait for one.
var timerLateness = declare(Declaration{
	Tag: "timer_lateness", Header: "Timer Lateness", ShortHeader: "Timer Lateness",
	Family: familySchedule, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Integer: true,
	Flags: OpenLoopOnly | Internal, Group: GroupNone,
	Formula: "start − due time, of requests that waited for it",
	formula: formula{measure: func(c *calc) (float64, bool) {
		ns := c.record.TimerLatenessNS
		return float64(ns), ns > 0
	}},
})

// The twins of two latencies that count from the schedule cannot hide the waiting of a
// saturated client or server (coordinated omission).
var (
	scheduledTimeToFirstToken = declareFromSchedule(timeToFirstToken, "scheduled_time_to_first_token", "Time to First Token from Schedule", "Sched TTFT")
	scheduledRequestLatency   = declareFromSchedule(requestLatency, "scheduled_request_latency", "Request Latency from Schedule", "Sched Req Latency")
)

func declareFromSchedule(latency *Declaration, tag, header, short string) *Declaration {
	return declare(Declaration{
		Tag: tag, Header: header, ShortHeader: short,
		Family: familySchedule, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Integer: true,
		Flags: OpenLoopOnly | latency.Flags&StreamingTokensOnly, Group: GroupNone,
		Requires: []*Declaration{latency, startDelay},
		Formula:  latency.Tag + " + start delay",
		formula:  formula{follow: sumOfAll(latency, startDelay)},
	})
}
