package metrics

import (
	"math"
	"slices"

	"aiperf/clock"
)

// Live is a phase's running summary, kept in sketches: it costs little per request and
// nothing to look at, however long the run. Counts, sums, extremes and means are those of
// the final summary; percentiles are within 1 %. What needs the whole run, such as the
// time-weighted load, is not in it. It belongs to one goroutine.
type Live struct {
	set    *Set
	counts [outcomes]float64
	window extent
	seen   bool // window is set

	sketches [maxMetrics]*sketch
	plan     []planned
}

// NewLive returns an empty summary for the set's metrics.
func (s *Set) NewLive() *Live { return &Live{set: s} }

// Add takes one finished request of the phase.
//
// hot: once per request. BenchmarkLiveAdd.
func (l *Live) Add(row Row, values []Value) {
	o := outcomeOf(row.Failed, row.Cancelled)
	l.counts[o]++
	for k := range values {
		v := &values[k]
		d := l.metric(k, v.Tag)
		if d == nil || d.path() != o || !finite(v.Number) {
			continue
		}
		if d == requestLatency {
			l.extend(row.StartNS, row.StartNS+clock.WallNS(v.Number))
		}
		if l.sketches[d.id] == nil {
			l.sketches[d.id] = &sketch{min: math.Inf(1), max: math.Inf(-1)}
		}
		l.sketches[d.id].add(v.Number)
	}
}

func (l *Live) extend(from, to clock.WallNS) {
	if !l.seen {
		l.window, l.seen = extent{from, to}, true
	}
	l.window = extent{min(l.window.first, from), max(l.window.last, to)}
}

// metric finds the metric tag; nil when it has no sketch. Nearly all records carry the
// same tags in the same order.
func (l *Live) metric(k int, tag string) *Declaration {
	if k < len(l.plan) && l.plan[k].tag == tag {
		return l.plan[k].metric
	}
	d := byTag[tag]
	if d == nil {
		return nil
	}
	p := planned{tag: d.Tag}
	if l.set.has(d) && !d.List && d.Kind != KindInjected {
		p.metric = d
	}
	switch {
	case k < len(l.plan):
		l.plan[k] = p
	case k == len(l.plan):
		l.plan = append(l.plan, p)
	}
	return p.metric
}

// SummariseLive are the results of several phases together, in the order of a summary's.
func (s *Set) SummariseLive(phases []*Live) []Result {
	var counts [outcomes]float64
	sum := &summary{store: &Store{set: s}, extents: map[uint16]extent{}}
	var sketches [maxMetrics]*sketch
	for i, l := range phases {
		for o, n := range l.counts {
			counts[o] += n
		}
		if l.seen {
			sum.extents[uint16(i)] = l.window
		}
		for id, k := range l.sketches {
			if k != nil {
				sketches[id] = k.joined(sketches[id])
			}
		}
	}
	if counts == [outcomes]float64{} {
		return nil
	}
	var out []Result
	for _, d := range catalogue {
		if !s.has(d) {
			continue
		}
		if k := sketches[d.id]; k != nil {
			sum.perRecord[d.id] = k.reduce(d)
		} else if d.counts() && counts[d.path()] > 0 {
			n := counts[d.path()]
			sum.perRecord[d.id] = perRecord{ok: true, scalar: n, results: []Result{d.result(Stats{Avg: present(n)})}}
		}
		out = sum.appendResult(out, d)
	}
	slices.SortFunc(out, compareResults)
	return out
}

// counts reports whether the metric counts requests, and nothing about them.
func (d *Declaration) counts() bool {
	return d.Kind == KindAggregate && d.follow != nil && len(d.Requires) == 0 && len(d.RequiresAny) == 0
}

// sketchBits of the fraction make a bin: 64 in each doubling.
const sketchBits = 6

// sketch is a distribution in bins of equal relative width.
type sketch struct {
	n          int64
	sum        float64
	mean, off2 float64 // running mean; Σ (x − mean)²
	min, max   float64

	below, above tally // numbers below and above 0, by size
	zeros        int64
}

// tally counts sizes by bin.
type tally struct {
	low  int // number of the first bin
	bins []uint32
}

func (k *sketch) add(v float64) {
	k.n++
	k.sum += v
	step := v - k.mean
	k.mean += step / float64(k.n)
	k.off2 += step * (v - k.mean)
	k.min, k.max = min(k.min, v), max(k.max, v)
	switch {
	case v > 0:
		k.above.add(int(math.Float64bits(v)>>(52-sketchBits)), 1)
	case v < 0:
		k.below.add(int(math.Float64bits(-v)>>(52-sketchBits)), 1)
	default:
		k.zeros++
	}
}

func (t *tally) add(bin int, n uint32) {
	switch {
	case len(t.bins) == 0:
		t.low, t.bins = bin, make([]uint32, 1, 64)
	case bin < t.low:
		t.bins = append(make([]uint32, t.low-bin), t.bins...)
		t.low = bin
	case bin >= t.low+len(t.bins):
		t.bins = append(t.bins, make([]uint32, bin-t.low-len(t.bins)+1)...)
	}
	t.bins[bin-t.low] += n
}

func (t *tally) join(o *tally) {
	for i, c := range o.bins {
		if c > 0 {
			t.add(o.low+i, c)
		}
	}
}

// size is the middle of a bin.
func (t *tally) size(i int) float64 {
	from := math.Float64frombits(uint64(t.low+i) << (52 - sketchBits))
	to := math.Float64frombits(uint64(t.low+i+1) << (52 - sketchBits))
	return (from + to) / 2
}

// joined is k and o together; o may be nil, and is changed.
func (k *sketch) joined(o *sketch) *sketch {
	if o == nil {
		c := *k
		c.below.bins, c.above.bins = slices.Clone(k.below.bins), slices.Clone(k.above.bins)
		return &c
	}
	n, m := float64(o.n), float64(k.n)
	step := k.mean - o.mean
	o.off2 += k.off2 + step*step*n*m/(n+m)
	o.mean += step * m / (n + m)
	o.n += k.n
	o.sum += k.sum
	o.min, o.max = min(o.min, k.min), max(o.max, k.max)
	o.zeros += k.zeros
	o.below.join(&k.below)
	o.above.join(&k.above)
	return o
}

// reduce is what a summary wants to know of the metric.
func (k *sketch) reduce(d *Declaration) perRecord {
	r := perRecord{ok: true, scalar: k.sum}
	if d.Kind != KindRecord {
		r.results = []Result{d.result(Stats{Avg: present(d.display(k.sum))})}
		return r
	}
	dist := distribution{n: k.n, sum: k.sum, avg: min(max(k.sum/float64(k.n), k.min), k.max), min: k.min, max: k.max}
	dist.std = math.Sqrt(max(0, k.off2) / float64(k.n))
	for i, q := range percentiles {
		dist.quantiles[i] = k.quantile(q)
	}
	r.results = []Result{d.result(dist.stats(d.display))}
	return r
}

// quantile is about the q-th percentile: the middle of its bin.
func (k *sketch) quantile(q float64) float64 {
	rank := q / 100 * float64(k.n-1)
	passed := int64(0)
	reached := func(n int64) bool {
		passed += n
		return rank < float64(passed)
	}
	inside := func(v float64) float64 { return min(max(v, k.min), k.max) }
	for i := len(k.below.bins) - 1; i >= 0; i-- {
		if reached(int64(k.below.bins[i])) {
			return inside(-k.below.size(i))
		}
	}
	if reached(k.zeros) {
		return 0
	}
	for i, c := range k.above.bins {
		if reached(int64(c)) {
			return inside(k.above.size(i))
		}
	}
	return k.max
}
