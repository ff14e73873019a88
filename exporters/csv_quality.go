package exporters

import (
	"strconv"

	"aiperf/metrics"
)

// quality writes the verdict, its reasons and its figures, one per row; what is unknown
// is left out. What was asked and what was delivered stand side by side.
func (t csvTable) quality(q *metrics.Quality) {
	t.record([]string{"Measurement Quality", "Value"})
	t.record([]string{"Verdict", q.Verdict})
	for _, reason := range q.Reasons {
		t.record([]string{"Reason", reason})
	}
	t.figure("Asked Load (requests/sec)", q.AskedRPS)
	t.figure("Delivered Load (requests/sec)", q.DeliveredRPS)
	t.count("Lost Ticks", q.LostTicks)
	t.count("Schedule Moves", q.Reanchors)
	t.spread("Send Delay", q.SendDelayMS)
	t.spread("Timer Lateness", q.TimerLatenessMS)
	t.figure("Kernel Stamps (%)", q.KernelStampPct)
	t.figure("Coalesced Events (%)", q.CoalescedEventPct)
	t.figure("Busiest Worker (% of its cores)", q.WorkerCPUMaxPct)
	t.count("Clock Steps", q.ClockSteps)
	t.count("Processes Lost", q.ProcessesLost)
	t.count("Processes Restarted", q.ProcessesRestarted)
	t.count("Credits Issued", q.Credits.Issued)
	t.count("Credits Completed", q.Credits.Completed)
	t.count("Credits Failed", q.Credits.Failed)
	t.count("Credits Cancelled", q.Credits.Cancelled)
	t.count("Credits Lost", q.Credits.Lost)
	t.count("Records Expected", q.RecordsExpected)
	t.count("Records Received", q.RecordsReceived)
}

func (t csvTable) figure(name string, v *float64) {
	if finite(v) {
		t.record([]string{name, csvNumber(v)})
	}
}

func (t csvTable) count(name string, n int64) {
	t.record([]string{name, strconv.FormatInt(n, 10)})
}

func (t csvTable) spread(name string, s *metrics.Spread) {
	if s == nil {
		return
	}
	t.figure(name+" p50 (ms)", &s.P50)
	t.figure(name+" p99 (ms)", &s.P99)
	t.figure(name+" max (ms)", &s.Max)
}
