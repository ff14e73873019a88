package exporters

import (
	"strconv"

	"aiperf/metrics"
)

// quality writes the verdict, its reasons and its figures, one per row, under the keys of
// the JSON; what is unknown is left out. What was asked and what was delivered stand side
// by side.
func (t csvTable) quality(q *metrics.Quality) {
	t.record([]string{"Metric", "Value"})
	t.record([]string{qualityRow + "verdict", q.Verdict})
	for _, reason := range q.Reasons {
		t.record([]string{qualityRow + "reason", reason})
	}
	t.figure("asked_rps", q.AskedRPS)
	t.figure("delivered_rps", q.DeliveredRPS)
	t.count("lost_ticks", q.LostTicks)
	t.count("reanchors", q.Reanchors)
	t.spread("send_delay_ms", q.SendDelayMS)
	t.spread("timer_lateness_ms", q.TimerLatenessMS)
	t.figure("kernel_stamp_pct", q.KernelStampPct)
	t.figure("coalesced_event_pct", q.CoalescedEventPct)
	t.figure("worker_cpu_max_pct", q.WorkerCPUMaxPct)
	t.count("clock_steps", q.ClockSteps)
	t.count("processes_lost", q.ProcessesLost)
	t.count("processes_restarted", q.ProcessesRestarted)
	t.count("credits.issued", q.Credits.Issued)
	t.count("credits.completed", q.Credits.Completed)
	t.count("credits.failed", q.Credits.Failed)
	t.count("credits.cancelled", q.Credits.Cancelled)
	t.count("credits.lost", q.Credits.Lost)
	t.count("records_expected", q.RecordsExpected)
	t.count("records_received", q.RecordsReceived)
}

// qualityRow begins the name of each row.
const qualityRow = "Measurement Quality: "

func (t csvTable) figure(name string, v *float64) {
	if finite(v) {
		t.record([]string{qualityRow + name, csvNumber(v)})
	}
}

func (t csvTable) count(name string, n int64) {
	t.record([]string{qualityRow + name, strconv.FormatInt(n, 10)})
}

func (t csvTable) spread(name string, s *metrics.Spread) {
	if s == nil {
		return
	}
	t.figure(name+".p50", &s.P50)
	t.figure(name+".p99", &s.P99)
	t.figure(name+".max", &s.Max)
}
