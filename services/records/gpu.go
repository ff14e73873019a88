package records

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"aiperf/clock"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/telemetry"
)

// gpuAccumulator keeps GPU samples in columns: per source and GPU one column of times
// and one per field, in order of time. It belongs to one goroutine.
type gpuAccumulator struct {
	sources map[string]map[string]*gpuSeries // source → GPU uuid
	errors  errorGroups
}

// gpuSeries is one GPU. A value that a sample lacks is NaN in its column.
type gpuSeries struct {
	latest  messages.GPUSample // names and places
	times   []clock.WallNS
	columns map[string][]float64
}

func newGPUAccumulator() *gpuAccumulator {
	return &gpuAccumulator{sources: map[string]map[string]*gpuSeries{}, errors: errorGroups{}}
}

// add takes a batch. Samples may be late: they are put where their time is.
func (a *gpuAccumulator) add(m *messages.TelemetryRecords) {
	if m.Error != nil {
		a.errors.add(m.Error)
	}
	for i := range m.Records {
		s := &m.Records[i]
		source := cmp.Or(s.SourceURL, m.TelemetrySourceURL)
		gpus := a.sources[source]
		if gpus == nil {
			gpus = map[string]*gpuSeries{}
			a.sources[source] = gpus
		}
		g := gpus[s.GPUUUID]
		if g == nil {
			g = &gpuSeries{columns: map[string][]float64{}}
			gpus[s.GPUUUID] = g
		}
		g.add(s)
	}
}

func (g *gpuSeries) add(s *messages.GPUSample) {
	at := len(g.times)
	for at > 0 && g.times[at-1] > s.TimestampNS {
		at--
	}
	if at == len(g.times) {
		g.latest = *s
	}
	g.times = slices.Insert(g.times, at, s.TimestampNS)
	for name := range s.Data {
		if g.columns[name] == nil {
			g.columns[name] = missingColumn(len(g.times) - 1)
		}
	}
	for name, column := range g.columns {
		v, ok := s.Data[name]
		if !ok || math.IsInf(v, 0) {
			v = math.NaN()
		}
		g.columns[name] = slices.Insert(column, at, v)
	}
}

// missingColumn is a column of n missing values.
func missingColumn(n int) []float64 {
	column := make([]float64, n, n+64)
	for i := range column {
		column[i] = math.NaN()
	}
	return column
}

// result summarises the window from start to end, both inclusive. The end has the
// grace of the last scrape already. status may be nil: then the sources that
// delivered count as those that were configured.
func (a *gpuAccumulator) result(status *messages.TelemetryStatus, startNS, endNS clock.WallNS) *exporters.Telemetry {
	t := &exporters.Telemetry{StartNS: startNS, EndNS: endNS, ErrorSummary: a.errors.summary()}
	if status != nil {
		t.EndpointsConfigured, t.EndpointsSuccessful = status.EndpointsConfigured, status.EndpointsReachable
	}
	order := a.order(t.EndpointsConfigured)
	if status == nil {
		t.EndpointsConfigured, t.EndpointsSuccessful = order, order
	}
	for _, source := range order {
		e := exporters.TelemetryEndpoint{URL: source, Display: telemetry.DisplayURL(source)}
		keys := map[string]bool{}
		for _, g := range sortedGPUs(a.sources[source]) {
			gpu, ok := g.result(startNS, endNS)
			if !ok {
				continue
			}
			gpu.Key = uniqueKey(keys, gpu.Index, gpu.UUID)
			e.GPUs = append(e.GPUs, gpu)
		}
		if len(e.GPUs) > 0 {
			t.Endpoints = append(t.Endpoints, e)
		}
	}
	return t
}

// order lists the sources that delivered: the configured ones first, in their order.
func (a *gpuAccumulator) order(configured []string) []string {
	var out, others []string
	for _, source := range configured {
		if a.sources[source] != nil && !slices.Contains(out, source) {
			out = append(out, source)
		}
	}
	for source := range a.sources {
		if !slices.Contains(out, source) {
			others = append(others, source)
		}
	}
	sort.Strings(others)
	return append(out, others...)
}

func sortedGPUs(gpus map[string]*gpuSeries) []*gpuSeries {
	list := make([]*gpuSeries, 0, len(gpus))
	for _, g := range gpus {
		list = append(list, g)
	}
	slices.SortFunc(list, func(x, y *gpuSeries) int {
		return cmp.Or(cmp.Compare(x.latest.GPUIndex, y.latest.GPUIndex), cmp.Compare(x.latest.GPUUUID, y.latest.GPUUUID))
	})
	return list
}

// uniqueKey is gpu_<index>; where an exporter of several hosts repeats an index, the
// later ones carry the start of their uuid too.
func uniqueKey(taken map[string]bool, index int, uuid string) string {
	key := fmt.Sprintf("gpu_%d", index)
	short := strings.TrimPrefix(uuid, "GPU-")
	for _, suffix := range []string{"", short[:min(8, len(short))], uuid} {
		candidate := key
		if suffix != "" {
			candidate += "_" + suffix
		}
		if !taken[candidate] {
			taken[candidate] = true
			return candidate
		}
	}
	return key // the uuid is unique inside a source
}

// result is one GPU in a window; false when it has no value there.
func (g *gpuSeries) result(startNS, endNS clock.WallNS) (exporters.GPU, bool) {
	from := sort.Search(len(g.times), func(i int) bool { return g.times[i] >= startNS })
	to := sort.Search(len(g.times), func(i int) bool { return g.times[i] > endNS })
	s := &g.latest
	gpu := exporters.GPU{
		Index: s.GPUIndex, Name: s.GPUModelName, UUID: s.GPUUUID, Platform: s.Platform,
		Hostname: s.Hostname, Namespace: s.Namespace, PodName: s.PodName,
	}
	if to <= from { // no sample, or no window
		return gpu, false
	}
	for _, f := range telemetry.Fields() {
		column := g.columns[f.Name]
		if column == nil {
			continue
		}
		var stats metrics.Stats
		var ok bool
		if f.Kind == telemetry.Counter {
			stats, ok = counterStats(column[:from], column[from:to])
		} else {
			stats, ok = gaugeStats(column[from:to])
		}
		if ok {
			gpu.Metrics = append(gpu.Metrics, metrics.Result{Tag: f.Name, Header: f.Display, Unit: f.Unit, Stats: stats})
		}
		if f.Name == telemetry.FieldXIDErrors {
			gpu.XIDCodes = xidCodes(column[from:to])
		}
	}
	return gpu, len(gpu.Metrics) > 0
}

// counterStats is what a counter gained in a window:
//
//	avg = max(last − baseline, 0)
//
// baseline is the last value before the window, else the first in it.
func counterStats(before, window []float64) (metrics.Stats, bool) {
	last, ok := lastValue(window)
	if !ok {
		return metrics.Stats{}, false
	}
	baseline, ok := lastValue(before)
	for i := 0; !ok; i++ { // ends: the window has a value
		baseline, ok = window[i], !math.IsNaN(window[i])
	}
	gained := max(last-baseline, 0)
	return metrics.Stats{Avg: &gained}, true
}

func lastValue(column []float64) (float64, bool) {
	for _, v := range slices.Backward(column) {
		if !math.IsNaN(v) {
			return v, true
		}
	}
	return 0, false
}

// xidCodes are the distinct values of a column other than zero, sorted.
func xidCodes(column []float64) []int64 {
	var out []int64
	for _, v := range column {
		if c := int64(v); !math.IsNaN(v) && c != 0 && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

// gaugeStats are the statistics of a gauge in a window: of the samples, not weighted by
// time.
//
//	std = sqrt(Σ (x − avg)² / (n − 1)), 0 for one sample
//	pQ  = linear interpolation between the closest ranks, rank = Q/100 · (n − 1)
func gaugeStats(window []float64) (metrics.Stats, bool) {
	values := make([]float64, 0, len(window))
	var sum float64
	for _, v := range window {
		if !math.IsNaN(v) {
			values = append(values, v)
			sum += v
		}
	}
	if len(values) == 0 {
		return metrics.Stats{}, false
	}
	slices.Sort(values)
	n := int64(len(values))
	low, high := values[0], values[n-1]
	avg := min(max(sum/float64(n), low), high)
	var std float64
	if n > 1 {
		var squares float64
		for _, v := range values {
			squares += (v - avg) * (v - avg)
		}
		std = math.Sqrt(squares / float64(n-1))
	}
	at := func(q float64) *float64 {
		rank := q / 100 * float64(n-1)
		i := int(rank)
		next := values[min(i+1, int(n-1))]
		v := values[i] + (rank-float64(i))*(next-values[i])
		return &v
	}
	return metrics.Stats{
		Avg: &avg, Min: &low, Max: &high, Std: &std, Sum: &sum, Count: &n,
		P1: at(1), P5: at(5), P10: at(10), P25: at(25), P50: at(50), P75: at(75), P90: at(90), P95: at(95), P99: at(99),
	}, true
}
