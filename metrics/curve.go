package metrics

import (
	"cmp"
	"math"
	"slices"
)

// negligible is what a value may miss 0 by, relative to the curve's largest: sums of
// rates do not cancel to exactly 0.
const negligible = 1e-9

// window bounds time-weighted statistics.
type window struct{ from, to float64 }

// segment is a stretch of time with one value.
type segment struct{ v, dt float64 }

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
	for _, p := range s.shares() {
		for next < len(segments)-1 && held.value()+segments[next].dt < p.share*t {
			held.add(segments[next].dt)
			next++
		}
		*p.value = segments[next].v
	}
	return s, true
}

// wantedShare is a percentile to be found: the share of the time below it.
type wantedShare struct {
	share float64
	value *float64
}

func (s *timeWeighted) shares() []wantedShare {
	return []wantedShare{{0.50, &s.p50}, {0.90, &s.p90}, {0.95, &s.p95}, {0.99, &s.p99}}
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
