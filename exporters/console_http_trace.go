package exporters

import (
	"aiperf/config"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleHTTPTrace", func() ConsoleExporter { return ConsoleHTTPTrace{} })
}

// ConsoleHTTPTrace shows where the time of an exchange went, when the user asked for it.
type ConsoleHTTPTrace struct{}

// Render adds the table of the metrics that come from transport traces.
func (ConsoleHTTPTrace) Render(c *Console, run *config.Run, r *Report) {
	if !run.Benchmark.Artifacts.ShowTraceTiming || r.Profile == nil {
		return
	}
	var rows []*metrics.Result
	for i := range r.Profile.Records {
		m := &r.Profile.Records[i]
		d, known := metrics.Find(m.Tag)
		if known && d.Flags.HasAll(metrics.HTTPTraceOnly) && hasValue(&m.Stats) {
			rows = append(rows, m)
		}
	}
	if len(rows) == 0 {
		return
	}
	sortRows(rows)
	c.Table(metricsTable(brand+" | HTTP Trace Timing", rows))
}
