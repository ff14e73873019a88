package exporters

import (
	"fmt"
	"slices"
	"strings"

	"aiperf/config"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleLoad", func() ConsoleExporter { return ConsoleLoad{} })
}

// ConsoleLoad draws the load over time, one row for what was asked for, sent, under way,
// completed and failed.
type ConsoleLoad struct{}

const (
	loadMinBuckets = 3  // fewer are no curve
	loadColumns    = 60 // at most
	loadRoom       = 36 // of the names and ranges beside it
)

// Render adds the chart.
func (ConsoleLoad) Render(c *Console, _ *config.Run, r *Report) {
	if r.Profile == nil || r.Profile.LoadSeries == nil || len(r.Profile.LoadSeries.Sent) < loadMinBuckets {
		return
	}
	s := r.Profile.LoadSeries
	c.Textf(Bold, "Load over %s", secondsText(float64(len(s.Sent))*s.BucketS))
	for _, line := range append(LoadLines(s, c.Width()), turnLines(r.Profile.TTFTByTurn)...) {
		c.line(Plain, line)
	}
}

// LoadLines are the rows of the chart, none for a series that is too short for a curve.
func LoadLines(s *metrics.LoadSeries, width int) (lines []string) {
	if s == nil || len(s.Sent) < loadMinBuckets {
		return nil
	}
	columns := min(len(s.Sent), max(10, min(loadColumns, width-loadRoom)))
	rates := []chartRow{{"asked/s", s.Asked, s.BucketS}, {"sent/s", s.Sent, s.BucketS}, {"completed/s", s.Completed, s.BucketS}}
	for _, row := range []chartRow{{"errors/s", s.Errors, s.BucketS}, {"cancelled/s", s.Cancelled, s.BucketS}} {
		if slices.Max(row.values) > 0 {
			rates = append(rates, row)
		}
	}
	// Rates share one scale, so that rows of equal height are equal rates.
	var top float64
	for _, row := range rates {
		top = max(top, slices.Max(row.columns(columns)))
	}
	for _, row := range rates {
		lines = append(lines, row.text(columns, top))
	}
	inFlight := chartRow{"in flight", s.InFlight, 1}
	return append(lines, inFlight.text(columns, slices.Max(inFlight.columns(columns))))
}

type chartRow struct {
	name   string
	values []int64
	per    float64 // seconds in a value; 1 for levels
}

// columns are the means of n neighbouring groups.
func (r chartRow) columns(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		from, to := i*len(r.values)/n, (i+1)*len(r.values)/n
		var sum int64
		for _, v := range r.values[from:to] {
			sum += v
		}
		out[i] = float64(sum) / (float64(to-from) * r.per)
	}
	return out
}

var bars = []rune(" ▁▂▃▄▅▆▇█")

// text is the row: name, curve, and the range of its columns. What is not 0 is seen.
func (r chartRow) text(n int, top float64) string {
	values := r.columns(n)
	curve := make([]rune, n)
	for i, v := range values {
		level := 0
		if v > 0 && top > 0 {
			level = max(1, int(v/top*float64(len(bars)-1)+0.5))
		}
		curve[i] = bars[min(level, len(bars)-1)]
	}
	return fmt.Sprintf("%12s │%s│ %s to %s", r.name, string(curve), short(slices.Min(values)), short(slices.Max(values)))
}

func short(v float64) string {
	if v == float64(int64(v)) || v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func secondsText(s float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", s), ".0") + " s" }

// turnsShown bounds the turns on the console; the JSON has all.
const turnsShown = 8

// turnLines say what the first token of each turn cost.
func turnLines(turns []metrics.TurnLatency) []string {
	if len(turns) == 0 {
		return nil
	}
	var parts []string
	for i := range turns[:min(len(turns), turnsShown)] {
		if t := &turns[i]; finite(t.P50) {
			parts = append(parts, fmt.Sprintf("%d: %.1f", t.TurnIndex+1, *t.P50))
		}
	}
	line := "Time to first token by turn, p50 ms: " + strings.Join(parts, ", ")
	if more := len(turns) - turnsShown; more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return []string{line}
}
