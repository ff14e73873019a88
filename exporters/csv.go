package exporters

import (
	"context"
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"

	"aiperf/config"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() { plugins.Register("data_exporter", "aiperf.exporters:CSV", NewCSV) }

// CSV writes the summary as tables: distributions, single numbers, GPUs, and last, where
// no reader of AIPerf's own tables (Python) looks for one, how well it was measured.
type CSV struct{}

// NewCSV makes it.
func NewCSV() DataExporter { return CSV{} }

// Export writes the file; a report without results has none.
func (CSV) Export(_ context.Context, run *config.Run, r *Report) (string, error) {
	if r.Profile == nil {
		return "", nil
	}
	path := pathOf(run, namesOf(run).SummaryCSV)
	if err := WriteFileAtomic(path, func(w io.Writer) error { return summaryCSV(w, run, r) }); err != nil {
		return "", err
	}
	return path, nil
}

// summaryCSV writes up to four tables, set apart by blank records.
func summaryCSV(out io.Writer, run *config.Run, r *Report) error {
	var distributions, scalars []*metrics.Result
	for _, m := range inFiles(run, r.Profile.Records) {
		if hasPercentile(&m.Stats) {
			distributions = append(distributions, m)
		} else if finite(m.Avg) {
			scalars = append(scalars, m)
		}
	}
	byTag(distributions)
	byTag(scalars)

	w := csvTable{w: csv.NewWriter(out)}
	w.w.UseCRLF = true
	if len(distributions) > 0 {
		w.record(append([]string{"Metric"}, statNames(csvStats)...))
		for _, m := range distributions {
			w.record(append([]string{csvLabel(m)}, csvCells(m)...))
		}
	}
	if len(scalars) > 0 {
		if len(distributions) > 0 {
			w.record(nil)
		}
		w.record([]string{"Metric", "Value"})
		for _, m := range scalars {
			w.record([]string{csvLabel(m), csvNumber(m.Avg)})
		}
	}
	if hasGPUs(r.Telemetry) {
		w.record(nil)
		w.record(nil)
		w.gpus(r.Telemetry)
	}
	if r.Profile.Quality.Verdict != "" {
		w.record(nil)
		w.record(nil)
		w.quality(&r.Profile.Quality)
	}
	w.w.Flush()
	return w.w.Error()
}

// csvTable writes records; the writer keeps the first error for the end.
type csvTable struct{ w *csv.Writer }

func (t csvTable) record(fields []string) { _ = t.w.Write(fields) }

// gpus writes one row per GPU and metric. Where a GPU runs is told in columns that
// appear when any of them knows.
func (t csvTable) gpus(tel *Telemetry) {
	places := []struct {
		header string
		of     func(g *GPU) string
	}{
		{"Hostname", func(g *GPU) string { return g.Hostname }},
		{"Namespace", func(g *GPU) string { return g.Namespace }},
		{"Pod Name", func(g *GPU) string { return g.PodName }},
	}
	known := places[:0:0]
	for _, p := range places {
		if anyGPU(tel, func(g *GPU) bool { return p.of(g) != "" }) {
			known = append(known, p)
		}
	}
	header := append([]string{"Endpoint", "GPU_Index", "GPU_Name", "GPU_UUID", "Platform", "Metric"}, statNames(csvStats)...)
	for _, p := range known {
		header = append(header, p.header)
	}
	t.record(header)
	for i := range tel.Endpoints {
		for k := range tel.Endpoints[i].GPUs {
			g := &tel.Endpoints[i].GPUs[k]
			for m := range g.Metrics {
				if !hasValue(&g.Metrics[m].Stats) {
					continue
				}
				row := []string{tel.Endpoints[i].Display, strconv.Itoa(g.Index), g.Name, g.UUID, g.Platform, label(&g.Metrics[m])}
				row = append(row, csvCells(&g.Metrics[m])...)
				for _, p := range known {
					row = append(row, p.of(g))
				}
				t.record(row)
			}
		}
	}
}

func anyGPU(t *Telemetry, holds func(g *GPU) bool) bool {
	for i := range t.Endpoints {
		for k := range t.Endpoints[i].GPUs {
			if holds(&t.Endpoints[i].GPUs[k]) {
				return true
			}
		}
	}
	return false
}

func statNames(stats []stat) []string {
	names := make([]string, len(stats))
	for i, st := range stats {
		names[i] = st.name
	}
	return names
}

func csvCells(m *metrics.Result) []string {
	cells := make([]string, len(csvStats))
	for i, st := range csvStats {
		cells[i] = csvNumber(st.of(&m.Stats))
	}
	return cells
}

// label is how a metric is called in tables: its header and unit.
func label(m *metrics.Result) string {
	if m.Unit == "" {
		return m.Header
	}
	return strings.TrimPrefix(m.Header+" ("+m.Unit+")", " ")
}

// csvLabel leaves away units that say nothing beside the header.
func csvLabel(m *metrics.Result) string {
	switch strings.ToLower(m.Unit) {
	case "", "count", "requests":
		return m.Header
	}
	return label(m)
}

// csvNumber writes two decimals; an absent value is empty. A value that two decimals
// would show as zero keeps three significant digits.
func csvNumber(v *float64) string {
	if !finite(v) {
		return ""
	}
	return fixedOrSmall(*v)
}

func fixedOrSmall(v float64) string {
	if a := math.Abs(v); a > 0 && a < 0.01 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
