package exporters

import "aiperf/metrics"

// qualitySink is a file that shows how far the figures can be trusted. What is unknown is
// nil, and left out.
type qualitySink interface {
	number(name string, v *float64)
	integer(name string, v int64)
	spread(name string, s *metrics.Spread)
	object(name string, members func())
}

// figuresOfQuality are the figures behind a verdict: the same keys in every file.
func figuresOfQuality(s qualitySink, q *metrics.Quality) {
	s.number("asked_rps", q.AskedRPS)
	s.number("delivered_rps", q.DeliveredRPS)
	s.integer("lost_ticks", q.LostTicks)
	s.integer("reanchors", q.Reanchors)
	s.spread("send_delay_ms", q.SendDelayMS)
	s.spread("timer_lateness_ms", q.TimerLatenessMS)
	s.number("kernel_stamp_pct", q.KernelStampPct)
	s.number("coalesced_event_pct", q.CoalescedEventPct)
	s.number("worker_cpu_max_pct", q.WorkerCPUMaxPct)
	s.integer("clock_steps", q.ClockSteps)
	s.integer("processes_lost", q.ProcessesLost)
	s.integer("processes_restarted", q.ProcessesRestarted)
	s.object("credits", func() {
		s.integer("issued", q.Credits.Issued)
		s.integer("completed", q.Credits.Completed)
		s.integer("failed", q.Credits.Failed)
		s.integer("cancelled", q.Credits.Cancelled)
		s.integer("lost", q.Credits.Lost)
	})
	s.integer("records_expected", q.RecordsExpected)
	s.integer("records_received", q.RecordsReceived)
}
