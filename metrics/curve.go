package metrics

import (
	"cmp"
	"math"
	"slices"
)

// event is a change by v at time t; in a curve, the value v from t on. t is in
// nanoseconds from the summary's origin.
type event struct{ t, v float64 }

// curve is a right-continuous step function with ascending, distinct times. Before
// the first it is 0.
type curve []event

// negligible is what a value may miss 0 by, relative to the curve's largest: sums of
// rates do not cancel to exactly 0.
const negligible = 1e-9

// accumulate sorts changes and adds them up. It reuses their memory.
func accumulate(changes []event) curve {
	sortEvents(changes)
	var sum compensated
	largest := 0.0
	c := curve(changes[:0])
	for i, e := range changes {
		sum.add(e.v)
		largest = max(largest, math.Abs(sum.value()))
		if i+1 < len(changes) && changes[i+1].t == e.t {
			continue
		}
		c = append(c, event{e.t, sum.value()})
	}
	for i := range c {
		if math.Abs(c[i].v) < negligible*largest {
			c[i].v = 0
		}
	}
	return c
}

// divide is a / b on the times of both; 0 where b is 0.
func divide(a, b curve) curve {
	out := make(curve, 0, len(a)+len(b))
	eachStep(a, b, func(t, av, bv float64) {
		v := 0.0
		if bv != 0 {
			v = av / bv
		}
		out = append(out, event{t, v})
	})
	return out
}

// eachStep visits the times of both curves in order, with both values from there on.
func eachStep(a, b curve, visit func(t, av, bv float64)) {
	var av, bv float64
	for i, j := 0, 0; i < len(a) || j < len(b); {
		t := math.Inf(1)
		if i < len(a) {
			t = a[i].t
		}
		if j < len(b) {
			t = min(t, b[j].t)
		}
		if i < len(a) && a[i].t == t {
			av = a[i].v
			i++
		}
		if j < len(b) && b[j].t == t {
			bv = b[j].v
			j++
		}
		visit(t, av, bv)
	}
}

// window bounds time-weighted statistics.
type window struct{ from, to float64 }

// segment is a stretch of time with one value.
type segment struct{ v, dt float64 }

// segments cuts a curve into its stretches inside w.
func (c curve) segments(w window) []segment {
	return c.segmentsWhere(nil, w)
}

// segmentsWhere is segments for the time in which mask is above 0; a nil mask is
// everywhere.
func (c curve) segmentsWhere(mask curve, w window) []segment {
	out := make([]segment, 0, len(c)+1)
	from, v, on := w.from, 0.0, mask == nil
	emit := func(to float64) {
		to = min(to, w.to)
		if on && to > from {
			out = append(out, segment{v, to - from})
		}
		from = max(from, to)
	}
	eachStep(c, mask, func(t, cv, mv float64) {
		emit(t)
		v, on = cv, mask == nil || mv > 0
	})
	emit(w.to)
	return out
}

// timeWeighted are the statistics of a curve, weighted by how long each value held.
type timeWeighted struct {
	avg, min, max, std float64
	p50, p90, p95, p99 float64
}

// weigh computes
//
//	avg = Σ v·Δt / T,  std = sqrt(Σ Δt·(v − avg)² / T),  T = Σ Δt
//	pQ  = the smallest v that the curve is at or below for Q % of T
//
// It sorts the segments. ok is false when they have no length.
func weigh(segments []segment) (s timeWeighted, ok bool) {
	var total, area, squares compensated
	for _, g := range segments {
		total.add(g.dt)
		area.add(g.v * g.dt)
	}
	t := total.value()
	if len(segments) == 0 || t <= 0 {
		return s, false
	}
	s.avg = area.value() / t
	for _, g := range segments {
		squares.add(g.dt * (g.v - s.avg) * (g.v - s.avg))
	}
	s.std = math.Sqrt(squares.value() / t)
	sortSegments(segments)
	s.min, s.max = segments[0].v, segments[len(segments)-1].v
	next, held := 0, compensated{}
	for _, p := range [...]struct {
		share float64
		value *float64
	}{{0.50, &s.p50}, {0.90, &s.p90}, {0.95, &s.p95}, {0.99, &s.p99}} {
		for next < len(segments)-1 && held.value()+segments[next].dt < p.share*t {
			held.add(segments[next].dt)
			next++
		}
		*p.value = segments[next].v
	}
	return s, true
}

func sortSegments(segments []segment) {
	if len(segments) < radixThreshold {
		slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.v, b.v) })
		return
	}
	radixSort(segments, func(g segment) uint64 { return orderedBits(g.v) })
}

// stats converts to what a result shows: values times scale.
func (s *timeWeighted) stats(scale float64) Stats {
	shown := func(v float64) *float64 { return present(v * scale) }
	return Stats{
		Avg: shown(s.avg), Min: shown(s.min), Max: shown(s.max), Std: shown(s.std),
		P50: shown(s.p50), P90: shown(s.p90), P95: shown(s.p95), P99: shown(s.p99),
	}
}
