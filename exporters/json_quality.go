package exporters

import "aiperf/metrics"

// quality writes how far the figures can be trusted. It has no key "unit", so that
// no reader takes it for a metric.
func (j *jsonText) quality(q *metrics.Quality) {
	j.optText("verdict", q.Verdict)
	j.textList("reasons", q.Reasons)
	figuresOfQuality(j, q)
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
