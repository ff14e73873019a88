package exporters

import (
	"sort"

	"aiperf/config"
	"aiperf/metrics"
)

// stat is one statistic by its name in files.
type stat struct {
	name string
	of   func(s *metrics.Stats) *float64
}

var (
	statAvg = stat{"avg", func(s *metrics.Stats) *float64 { return s.Avg }}
	statMin = stat{"min", func(s *metrics.Stats) *float64 { return s.Min }}
	statMax = stat{"max", func(s *metrics.Stats) *float64 { return s.Max }}
	statSum = stat{"sum", func(s *metrics.Stats) *float64 { return s.Sum }}
	statStd = stat{"std", func(s *metrics.Stats) *float64 { return s.Std }}
	statP50 = stat{"p50", func(s *metrics.Stats) *float64 { return s.P50 }}
	statP90 = stat{"p90", func(s *metrics.Stats) *float64 { return s.P90 }}
	statP99 = stat{"p99", func(s *metrics.Stats) *float64 { return s.P99 }}

	percentiles = []stat{
		{"p1", func(s *metrics.Stats) *float64 { return s.P1 }},
		{"p5", func(s *metrics.Stats) *float64 { return s.P5 }},
		{"p10", func(s *metrics.Stats) *float64 { return s.P10 }},
		{"p25", func(s *metrics.Stats) *float64 { return s.P25 }},
		statP50,
		{"p75", func(s *metrics.Stats) *float64 { return s.P75 }},
		statP90,
		{"p95", func(s *metrics.Stats) *float64 { return s.P95 }},
		statP99,
	}

	// csvStats is the column order of every CSV file.
	csvStats = append(append([]stat{statAvg, statMin, statMax, statSum}, percentiles...), statStd)
	// jsonStats is the key order of a stats block, between the unit and count, sum.
	jsonStats = append(append([]stat{statAvg}, percentiles...), statMin, statMax, statStd)
	// consoleStats are the columns of every table on the console.
	consoleStats = []stat{statAvg, statMin, statMax, statP99, statP90, statP50, statStd}
)

// hasPercentile reports whether the metric is a distribution.
func hasPercentile(s *metrics.Stats) bool {
	for _, p := range percentiles {
		if finite(p.of(s)) {
			return true
		}
	}
	return false
}

// scalar reports whether the metric is one number: then minimum, maximum and count
// would only repeat it.
func scalar(s *metrics.Stats) bool { return finite(s.Avg) && !hasPercentile(s) }

// hasValue reports whether there is a finite statistic to show. A count alone says
// nothing about the metric.
func hasValue(s *metrics.Stats) bool {
	for _, st := range csvStats {
		if finite(st.of(s)) {
			return true
		}
	}
	return false
}

// inFiles selects the metrics that summary files show: those with a value, without
// internal ones unless the developer settings ask for them.
func inFiles(run *config.Run, all []metrics.Result) []*metrics.Result {
	dev := run.Environment.Dev
	kept := make([]*metrics.Result, 0, len(all))
	for i := range all {
		r := &all[i]
		if hasValue(&r.Stats) && (!r.Internal || dev.Mode && dev.ShowInternal) {
			kept = append(kept, r)
		}
	}
	return kept
}

// byTag sorts results by their tag.
func byTag(results []*metrics.Result) {
	sort.SliceStable(results, func(i, k int) bool { return results[i].Tag < results[k].Tag })
}

// average is the avg of a metric, if it has one.
func average(results []metrics.Result, tag string) (float64, bool) {
	for i := range results {
		if results[i].Tag == tag && finite(results[i].Avg) {
			return *results[i].Avg, true
		}
	}
	return 0, false
}
