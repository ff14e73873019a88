package metrics

import (
	"fmt"
	"strings"
)

// Verdicts on a run's measurement.
const (
	VerdictGood     = "good"     // the figures mean what they say
	VerdictDegraded = "degraded" // usable, with the reasons in mind
	VerdictInvalid  = "invalid"  // not the run that was asked for
)

// Thresholds of the verdict.
const (
	invalidShortfall  = 0.10 // share of the asked load that was not delivered
	degradedShortfall = 0.01
	degradedStartMS   = 5.0   // due time to start, 99th percentile, open loop
	degradedStallMS   = 500.0 // the same, the latest request: the client stood still
)

// Spread is a distribution in three figures.
type Spread struct {
	P50 float64 `msgpack:"p50" json:"p50"`
	P99 float64 `msgpack:"p99" json:"p99"`
	Max float64 `msgpack:"max" json:"max"`
}

// CreditCounts are the books of a run's profiling credits. Every issued credit is in
// exactly one of the other four.
type CreditCounts struct {
	Issued    int64 `msgpack:"issued" json:"issued"`
	Completed int64 `msgpack:"completed" json:"completed"`
	Failed    int64 `msgpack:"failed" json:"failed"`       // error records that no process of ours caused
	Cancelled int64 `msgpack:"cancelled" json:"cancelled"` // with or without a record
	Lost      int64 `msgpack:"lost" json:"lost"`           // died with a worker or a record processor
}

// ProcessDeath is one process of the mesh that ended before its time.
type ProcessDeath struct {
	ServiceID   string `msgpack:"service_id" json:"service_id"`
	ServiceType string `msgpack:"service_type" json:"service_type"`
	How         string `msgpack:"how" json:"how"` // such as "killed by signal 9", "exit code 1"
	Restarted   bool   `msgpack:"restarted" json:"restarted"`
	CreditsLost int64  `msgpack:"credits_lost" json:"credits_lost"`
}

// Quality is how well a run was measured. A nil figure is unknown.
type Quality struct {
	Verdict string   `msgpack:"verdict" json:"verdict"`
	Reasons []string `msgpack:"reasons" json:"reasons"`

	// AskedRPS is the load that the schedule wanted, requests/s; ticks that were lost
	// because every slot was taken are off it. nil: the load was not asked for as a rate.
	AskedRPS     *float64 `msgpack:"asked_rps,omitempty" json:"asked_rps,omitempty"`
	DeliveredRPS *float64 `msgpack:"delivered_rps,omitempty" json:"delivered_rps,omitempty"`
	LostTicks    int64    `msgpack:"lost_ticks" json:"lost_ticks"`
	Reanchors    int64    `msgpack:"reanchors" json:"reanchors"`

	SendDelayMS     *Spread `msgpack:"send_delay_ms,omitempty" json:"send_delay_ms,omitempty"`
	TimerLatenessMS *Spread `msgpack:"timer_lateness_ms,omitempty" json:"timer_lateness_ms,omitempty"`

	KernelStampPct    *float64 `msgpack:"kernel_stamp_pct,omitempty" json:"kernel_stamp_pct,omitempty"`
	CoalescedEventPct *float64 `msgpack:"coalesced_event_pct,omitempty" json:"coalesced_event_pct,omitempty"`
	WorkerCPUMaxPct   *float64 `msgpack:"worker_cpu_max_pct,omitempty" json:"worker_cpu_max_pct,omitempty"`

	ClockSteps         int64 `msgpack:"clock_steps" json:"clock_steps"` // wall clock jumps of more than 1 ms
	ProcessesLost      int64 `msgpack:"processes_lost" json:"processes_lost"`
	ProcessesRestarted int64 `msgpack:"processes_restarted" json:"processes_restarted"`

	Credits         CreditCounts   `msgpack:"credits" json:"credits"`
	RecordsExpected int64          `msgpack:"records_expected" json:"records_expected"`
	RecordsReceived int64          `msgpack:"records_received" json:"records_received"`
	Processes       []ProcessDeath `msgpack:"processes,omitempty" json:"processes,omitempty"`
}

// Conditions are what a verdict needs beside the figures of Quality itself.
type Conditions struct {
	OpenLoop         bool // requests had a scheduled time
	Complete         bool // the run went to its planned end
	IncompleteReason string
	StartDelayP99MS  *float64 // due time to start; open loop only
	StartDelayMaxMS  *float64
	HighLoadWorkers  []string // service ids that used ≥ 90 % of a core for a second
	Loads            []Load   // what was asked of this machine beside what it can measure
}

// Judge fills Verdict and Reasons. Every reason names its figure; those that make
// the run invalid come first.
func (q *Quality) Judge(c Conditions) {
	invalid := q.invalidReasons(c)
	degraded := q.degradedReasons(c)
	q.Reasons = append(append([]string{}, invalid...), degraded...)
	switch {
	case len(invalid) > 0:
		q.Verdict = VerdictInvalid
	case len(degraded) > 0:
		q.Verdict = VerdictDegraded
	default:
		q.Verdict = VerdictGood
	}
}

func (q *Quality) invalidReasons(c Conditions) []string {
	var reasons []string
	if !c.Complete {
		reason := "the run is incomplete"
		if c.IncompleteReason != "" {
			reason += ": " + c.IncompleteReason
		}
		reasons = append(reasons, reason)
	}
	if missing := q.RecordsExpected - q.RecordsReceived; missing > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d records are missing", missing, q.RecordsExpected))
	}
	if share, ok := q.shortfall(); ok && share > invalidShortfall {
		reasons = append(reasons, q.shortfallReason(share))
	}
	return reasons
}

func (q *Quality) degradedReasons(c Conditions) []string {
	var reasons []string
	if share, ok := q.shortfall(); ok && share > degradedShortfall && share <= invalidShortfall {
		reasons = append(reasons, q.shortfallReason(share))
	}
	if c.OpenLoop && c.StartDelayP99MS != nil && *c.StartDelayP99MS > degradedStartMS {
		reasons = append(reasons, fmt.Sprintf("requests started late: p99 %.1f ms after their due time (limit %.0f ms)%s: %s",
			*c.StartDelayP99MS, degradedStartMS, q.timers(), adviceLess))
	}
	if c.OpenLoop && c.StartDelayMaxMS != nil && *c.StartDelayMaxMS > degradedStallMS {
		reasons = append(reasons, fmt.Sprintf("the client stood still: a request started %.0f ms after its due time (limit %.0f ms): keep other programs off this machine, or %s",
			*c.StartDelayMaxMS, degradedStallMS, adviceLess))
	}
	for _, l := range c.Loads {
		if reason := l.beyond(); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	if n := len(c.HighLoadWorkers); n > 0 {
		reasons = append(reasons, fmt.Sprintf("%d worker(s) used 90 %% or more of a core for a second: %s: %s", n, strings.Join(c.HighLoadWorkers, ", "), adviceLess))
	}
	if q.ClockSteps > 0 {
		reasons = append(reasons, fmt.Sprintf("the wall clock stepped by more than 1 ms %d time(s): latencies are right, stamps of the wall clock may be off; have the clock slewed while you measure", q.ClockSteps))
	}
	if q.ProcessesLost > 0 || q.ProcessesRestarted > 0 {
		reasons = append(reasons, fmt.Sprintf("%d process(es) were lost, %d restarted", q.ProcessesLost, q.ProcessesRestarted))
	}
	return reasons
}

// What helps a client that is too busy.
const (
	adviceMore = "use more workers (--workers-max) or a second machine"
	adviceLess = "use more workers (--workers-max), fewer streams or a second machine"
)

// timers names the timers' part of late starts, when they have one.
func (q *Quality) timers() string {
	if q.TimerLatenessMS == nil || q.TimerLatenessMS.P99 <= degradedStartMS/2 {
		return ""
	}
	return fmt.Sprintf(", timers woke p99 %.1f ms late", q.TimerLatenessMS.P99)
}

// shortfall is the share of the asked load that was not delivered:
//
//	1 − delivered / asked        [0..1]
//
// ok is false when no load was asked for as a rate.
func (q *Quality) shortfall() (share float64, ok bool) {
	if q.AskedRPS == nil || q.DeliveredRPS == nil || *q.AskedRPS <= 0 {
		return 0, false
	}
	return max(0, 1 - *q.DeliveredRPS / *q.AskedRPS), true
}

func (q *Quality) shortfallReason(share float64) string {
	moved := ""
	if q.Reanchors > 0 {
		moved = fmt.Sprintf("; the schedule was moved %d time(s)", q.Reanchors)
	}
	return fmt.Sprintf("%.1f %% of the asked load was not delivered (%.2f of %.2f requests/s%s): ask for less, or %s",
		100*share, *q.DeliveredRPS, *q.AskedRPS, moved, adviceMore)
}
