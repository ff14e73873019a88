package exporters

import (
	"slices"
	"strconv"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsolePhases", func() ConsoleExporter { return ConsolePhases{} })
}

// ConsolePhases sets the phases of a run side by side: the tables of metrics are about the
// profiling phases together.
type ConsolePhases struct{}

// Render adds the table, where there is more than a warmup and what it is for.
func (ConsolePhases) Render(c *Console, _ *config.Run, r *Report) {
	if r.Profile == nil || !worthComparing(r.Profile.Phases) {
		return
	}
	tags := []string{"time_to_first_token", "request_latency"}
	if !slices.ContainsFunc(r.Profile.Phases, func(p PhaseResult) bool { return resultOf(p.Profile.Records, tags[0]).P50 != nil }) {
		tags = tags[1:]
	}
	t := Table{Title: []Cell{{brand + " | Phases", Italic}}, Columns: []Column{{Header: "Phase", Left: true, Style: Cyan}, {Header: "Kind", Left: true}}}
	for _, name := range []string{"Requests", "Errors", "Seconds", "Requests/s"} {
		t.Columns = append(t.Columns, Column{Header: name, Style: Green})
	}
	for _, tag := range tags {
		name := map[string]string{"time_to_first_token": "TTFT", "request_latency": "Latency"}[tag]
		t.Columns = append(t.Columns, Column{Header: name + " p50 (ms)", Style: Green}, Column{Header: "p99 (ms)", Style: Green})
	}
	t.Columns = append(t.Columns, Column{Header: "Measured", Left: true})
	for i := range r.Profile.Phases {
		t.Rows = append(t.Rows, phaseRow(&r.Profile.Phases[i], tags))
	}
	c.Table(t)
}

func worthComparing(phases []PhaseResult) bool {
	profiling := 0
	for i := range phases {
		if phases[i].Kind == messages.PhaseProfiling {
			profiling++
		}
	}
	return profiling > 1 || len(phases) > 2
}

func phaseRow(p *PhaseResult, tags []string) []Cell {
	r := &p.Profile
	count := func(n int64) Cell { return Cell{Text: thousands(strconv.FormatInt(n, 10))} }
	errors := count(r.ErrorRequestCount)
	if r.ErrorRequestCount > 0 {
		errors.Style = Red
	}
	row := []Cell{
		{Text: p.Name}, {Text: p.Kind}, count(r.SuccessfulRequestCount + r.ErrorRequestCount + r.CancelledRequestCount), errors,
		consoleNumber(resultOf(r.Records, "benchmark_duration").Avg), consoleNumber(resultOf(r.Records, "request_throughput").Avg),
	}
	for _, tag := range tags {
		m := resultOf(r.Records, tag)
		row = append(row, consoleNumber(m.P50), consoleNumber(m.P99))
	}
	return append(row, measured(&r.Quality))
}

// measured is the verdict on a phase's figures; the reasons are in its summary.
func measured(q *metrics.Quality) Cell {
	switch q.Verdict {
	case metrics.VerdictGood:
		return Cell{Text: q.Verdict, Style: Green}
	case metrics.VerdictInvalid:
		return Cell{Text: q.Verdict, Style: BoldRed}
	}
	return Cell{Text: q.Verdict, Style: BoldWarn}
}

// resultOf is a metric, an empty one when there is none.
func resultOf(results []metrics.Result, tag string) *metrics.Result {
	for i := range results {
		if results[i].Tag == tag {
			return &results[i]
		}
	}
	return &metrics.Result{}
}
