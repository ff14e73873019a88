package exporters

import "aiperf/metrics"

// quality writes how far the figures can be trusted. It has no key "unit", so that
// no reader takes it for a metric.
func (j *jsonText) quality(q *metrics.Quality) {
	j.optText("verdict", q.Verdict)
	j.textList("reasons", q.Reasons)
	j.number("asked_rps", q.AskedRPS)
	j.number("delivered_rps", q.DeliveredRPS)
	j.integer("lost_ticks", q.LostTicks)
	j.integer("reanchors", q.Reanchors)
	j.spread("send_delay_ms", q.SendDelayMS)
	j.spread("timer_lateness_ms", q.TimerLatenessMS)
	j.number("kernel_stamp_pct", q.KernelStampPct)
	j.number("coalesced_event_pct", q.CoalescedEventPct)
	j.number("worker_cpu_max_pct", q.WorkerCPUMaxPct)
	j.integer("clock_steps", q.ClockSteps)
	j.integer("processes_lost", q.ProcessesLost)
	j.integer("processes_restarted", q.ProcessesRestarted)
	j.object("credits", func() {
		j.integer("issued", q.Credits.Issued)
		j.integer("completed", q.Credits.Completed)
		j.integer("failed", q.Credits.Failed)
		j.integer("cancelled", q.Credits.Cancelled)
		j.integer("lost", q.Credits.Lost)
	})
	j.integer("records_expected", q.RecordsExpected)
	j.integer("records_received", q.RecordsReceived)
	if len(q.Processes) > 0 {
		j.list("processes", func() {
			for i := range q.Processes {
				j.next()
				j.beginObject()
				j.processDeath(&q.Processes[i])
				j.endObject()
			}
		})
	}
}

func (j *jsonText) processDeath(p *metrics.ProcessDeath) {
	j.text("service_id", p.ServiceID)
	j.text("service_type", p.ServiceType)
	j.text("how", p.How)
	j.boolean("restarted", p.Restarted)
	j.integer("credits_lost", p.CreditsLost)
}

func (j *jsonText) spread(name string, s *metrics.Spread) {
	if s == nil || !finite(&s.P50) || !finite(&s.P99) || !finite(&s.Max) {
		return
	}
	j.object(name, func() {
		j.number("p50", &s.P50)
		j.number("p99", &s.P99)
		j.number("max", &s.Max)
	})
}
