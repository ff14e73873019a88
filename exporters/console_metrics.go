package exporters

import (
	"sort"
	"strconv"

	"aiperf/config"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleMetrics", func() ConsoleExporter { return ConsoleMetrics{} })
}

// consoleGroups are the tables of the report in their order; the main one comes last,
// next to the footer.
var consoleGroups = []metrics.Group{
	metrics.GroupEffective, metrics.GroupActive, metrics.GroupUsage, "cache", "prediction", "audio", "reasoning", metrics.GroupDefault,
}

// ConsoleMetrics shows the metrics of the run, one table per group.
type ConsoleMetrics struct{}

// Render adds the tables, and a hint on how to see cache hits.
func (ConsoleMetrics) Render(c *Console, run *config.Run, r *Report) {
	if r.Profile == nil {
		return
	}
	base := brand + " | " + run.Benchmark.Endpoint.Capabilities.MetricsTitle
	for _, group := range consoleGroups {
		rows := groupRows(r.Profile.Records, group)
		if allZero(rows) { // no rows, or the decode rows of a run without streaming
			continue
		}
		name := base
		if group != metrics.GroupDefault {
			name += ": " + title(string(group))
		}
		c.Table(metricsTable(name, rows))
	}
	renderCacheHint(c, run, r)
}

// groupRows are the metrics of a table: by display order, those without one last, by tag.
func groupRows(all []metrics.Result, group metrics.Group) []*metrics.Result {
	var rows []*metrics.Result
	for i := range all {
		m := &all[i]
		of := metrics.Group(m.ConsoleGroup)
		if of == "" {
			of = metrics.GroupDefault
		}
		if of == group && !m.Hidden && !m.Internal && hasValue(&m.Stats) {
			rows = append(rows, m)
		}
	}
	sortRows(rows)
	return rows
}

func sortRows(rows []*metrics.Result) {
	sort.SliceStable(rows, func(i, k int) bool {
		a, b := rows[i], rows[k]
		switch {
		case a.DisplayOrder == b.DisplayOrder:
			return a.Tag < b.Tag
		case a.DisplayOrder == 0 || b.DisplayOrder == 0:
			return b.DisplayOrder == 0
		}
		return a.DisplayOrder < b.DisplayOrder
	})
}

func allZero(rows []*metrics.Result) bool {
	for _, m := range rows {
		for _, st := range consoleStats {
			if v := st.of(&m.Stats); finite(v) && *v != 0 {
				return false
			}
		}
	}
	return true
}

// metricsTable is the one table layout of the report.
func metricsTable(name string, rows []*metrics.Result) Table {
	t := Table{
		Title:   []Cell{{name, Italic}},
		Columns: []Column{{Header: "Metric", Style: Cyan}},
	}
	for _, st := range consoleStats {
		t.Columns = append(t.Columns, Column{Header: st.name, Style: Green})
	}
	for _, m := range rows {
		t.Rows = append(t.Rows, metricRow(m, consoleNumber))
	}
	return t
}

func metricRow(m *metrics.Result, number func(v *float64) Cell) []Cell {
	row := []Cell{{Text: rowLabel(m)}}
	for _, st := range consoleStats {
		if scalar(&m.Stats) && st.name != statAvg.name {
			row = append(row, notAvailable)
			continue
		}
		row = append(row, number(st.of(&m.Stats)))
	}
	return row
}

// longHeader is from where a unit gets a line of its own.
const longHeader = 30

func rowLabel(m *metrics.Result) string {
	if m.Unit != "" && textWidth(m.Header) > longHeader {
		return m.Header + "\n(" + m.Unit + ")"
	}
	return label(m)
}

var notAvailable = Cell{Text: "N/A", Style: Dim}

// consoleNumber shows two decimals and thousands.
func consoleNumber(v *float64) Cell {
	if !finite(v) {
		return notAvailable
	}
	return Cell{Text: thousands(strconv.FormatFloat(*v, 'f', 2, 64))}
}

// renderCacheHint tells how to make a server report its cache hits, when it reports
// tokens but no cached ones. An endpoint that takes text and gives none, such as
// embeddings, has no such cache.
func renderCacheHint(c *Console, run *config.Run, r *Report) {
	if e := &run.Benchmark.Endpoint.Capabilities; e.TokenizesInput && !e.ProducesTokens {
		return
	}
	if _, ok := average(r.Profile.Records, "total_usage_prompt_tokens"); !ok {
		return
	}
	if _, ok := average(r.Profile.Records, "total_usage_prompt_cache_read_tokens"); ok {
		return
	}
	c.Blank()
	c.Text(Dim, "Token usage is reported but no prompt-cache read tokens were seen (usage.prompt_tokens_details.cached_tokens absent). "+
		"If your server uses prefix/KV caching, enable cache reporting so AIPerf can populate the prompt-cache metrics: "+
		"vLLM --enable-prompt-tokens-details, SGLang --enable-cache-report (TRT-LLM reports it by default).")
}
