package exporters

import (
	"fmt"
	"strings"

	"aiperf/config"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleQuality", func() ConsoleExporter { return ConsoleQuality{} })
}

// ConsoleQuality says how far the figures can be trusted.
type ConsoleQuality struct{}

// Render adds one line for a good measurement, else a panel that names the causes.
func (ConsoleQuality) Render(c *Console, _ *config.Run, r *Report) {
	if r.Profile == nil || r.Profile.Quality.Verdict == "" {
		return
	}
	q := &r.Profile.Quality
	if q.Verdict == metrics.VerdictGood {
		line := "Measurement quality: good"
		if f := qualityFigures(q); len(f) > 0 {
			line += " (" + strings.Join(f, ", ") + ")"
		}
		c.Text(Green, line)
		if line := fromSchedule(r.Profile.Records); line != "" {
			c.Text(Dim, line)
		}
		return
	}
	style := BoldWarn
	if q.Verdict == metrics.VerdictInvalid {
		style = BoldRed
	}
	p := Panel{Title: "Measurement Quality: " + strings.ToUpper(q.Verdict), Border: style, PadX: 2}
	for _, reason := range q.Reasons {
		p.Lines = append(p.Lines, Cell{Text: "- " + reason})
	}
	if f := qualityFigures(q); len(f) > 0 {
		p.Lines = append(p.Lines, Cell{}, Cell{Text: "Figures: " + strings.Join(f, ", "), Style: Dim})
	}
	if line := fromSchedule(r.Profile.Records); line != "" {
		p.Lines = append(p.Lines, Cell{Text: line, Style: Dim})
	}
	for _, d := range q.Processes {
		p.Lines = append(p.Lines, Cell{Text: deathLine(d), Style: Dim})
	}
	c.Panel(p)
}

// fromSchedule are the latencies of an open loop as they count from when each request
// was due: waiting that a late client or server caused is in them. Empty without any.
func fromSchedule(results []metrics.Result) string {
	var parts []string
	for _, m := range []struct{ tag, name string }{
		{"scheduled_time_to_first_token", "time to first token"}, {"scheduled_request_latency", "request latency"},
	} {
		for i := range results {
			if s := &results[i]; s.Tag == m.tag && finite(s.P50) && finite(s.P99) {
				parts = append(parts, fmt.Sprintf("%s p50 %.2f, p99 %.2f %s", m.name, *s.P50, *s.P99, s.Unit))
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Counted from the schedule: " + strings.Join(parts, "; ")
}

// qualityFigures are the figures that are known, shortest form.
func qualityFigures(q *metrics.Quality) []string {
	var f []string
	if finite(q.AskedRPS) && finite(q.DeliveredRPS) {
		f = append(f, fmt.Sprintf("%.2f of %.2f requests/s delivered", *q.DeliveredRPS, *q.AskedRPS))
	}
	if q.SendDelayMS != nil {
		f = append(f, fmt.Sprintf("send delay p99 %.2f ms", q.SendDelayMS.P99))
	}
	if q.TimerLatenessMS != nil {
		f = append(f, fmt.Sprintf("timer lateness p99 %.2f ms", q.TimerLatenessMS.P99))
	}
	if finite(q.KernelStampPct) {
		f = append(f, fmt.Sprintf("%.1f%% kernel stamps", *q.KernelStampPct))
	}
	if finite(q.CoalescedEventPct) {
		f = append(f, fmt.Sprintf("%.1f%% coalesced events", *q.CoalescedEventPct))
	}
	if finite(q.WorkerCPUMaxPct) {
		f = append(f, fmt.Sprintf("busiest worker at %.0f%% of a core", *q.WorkerCPUMaxPct))
	}
	if q.LostTicks > 0 {
		f = append(f, fmt.Sprintf("%d lost ticks", q.LostTicks))
	}
	if q.Reanchors > 0 {
		f = append(f, fmt.Sprintf("schedule moved %d times", q.Reanchors))
	}
	if lost := q.Credits.Lost; lost > 0 {
		f = append(f, fmt.Sprintf("%d of %d credits lost", lost, q.Credits.Issued))
	}
	return f
}

func deathLine(d metrics.ProcessDeath) string {
	line := d.ServiceID + ": " + d.How
	if d.Restarted {
		line += ", restarted"
	}
	if d.CreditsLost > 0 {
		line += fmt.Sprintf(", %d credits lost", d.CreditsLost)
	}
	return line
}
