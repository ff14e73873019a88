package metrics

import (
	"math"
	"math/rand/v2"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// sweepOf sweeps requests that have a start.
func sweepOf(requests []request, w window) *sweep {
	var arrivals []arrival
	for i := range requests {
		arrivals = append(arrivals, arrival{requests[i].start, requests[i].horizon(), i})
	}
	sortArrivals(arrivals)
	return sweepAll(arrivals, w, func() func(int) request { return func(row int) request { return requests[row] } })
}

// curve is one of the slow way's curves.
func (l *load) curve(c curveID) curve {
	return [...]curve{
		l.concurrency, l.prefillConcurrency, l.decodeConcurrency, l.prefillRate, l.decodeRate, l.totalRate, l.tokensInFlight,
		perUser(l.prefillRate, l.prefillConcurrency), perUser(l.decodeRate, l.decodeConcurrency),
	}[c]
}

// randomRequests are streams of all shapes: unfinished, without tokens, with gaps of 0,
// with content up to the very end.
func randomRequests(r *rand.Rand, n int, span float64) []request {
	requests := make([]request, n)
	for i := range requests {
		q := &requests[i]
		q.start = math.Floor(r.Float64() * span)
		q.genStart, q.end, q.isl, q.osl = absent, absent, absent, absent
		if r.IntN(10) > 0 {
			q.isl = float64(r.IntN(300))
		}
		switch r.IntN(10) {
		case 0: // nothing came
			q.end = q.start + float64(r.IntN(1000))
			continue
		case 1: // cancelled before the first token
			continue
		}
		q.genStart = q.start + float64(r.IntN(1e6))
		if r.IntN(10) > 0 {
			q.osl = float64(r.IntN(40))
		}
		at := q.genStart
		var gaps []float64
		for range r.IntN(30) {
			gap := float64(r.IntN(1e5) * r.IntN(2))
			gaps, at = append(gaps, gap), at+gap
		}
		q.gaps = gapsOf(gaps...)
		q.end = at + float64(r.IntN(2)*r.IntN(1e4))
		if r.IntN(50) == 0 {
			q.end -= float64(r.IntN(1000)) // stamps that contradict
		}
	}
	return requests
}

var _ = Describe("a sweep over the load", func() {
	near := func(got, want, scale float64) { ExpectWithOffset(1, got).To(BeNumerically("~", want, 1e-9*scale)) }

	for _, size := range []struct {
		n    int
		span float64
	}{{1, 10}, {7, 1e5}, {40, 1e6}, {400, 1e7}, {1000, 3e7}} {
		It("agrees with the slow way", func() {
			r := rand.New(rand.NewPCG(21, uint64(size.n)))
			for range max(1, 100/size.n) {
				requests := randomRequests(r, size.n, size.span)
				l := newLoad(requests)
				w, ok := l.span()
				if !ok {
					continue
				}
				if r.IntN(2) == 0 {
					w.to -= (w.to - w.from) * r.Float64() / 2
				}
				s := sweepOf(requests, w)
				for c := range curves {
					slow := l.curve(c)
					if !s.drawn(c) { // nothing, or only after the window
						Expect(len(slow) == 0 || slow[0].t >= w.to).To(BeTrue())
						continue
					}
					for _, active := range []bool{false, true} {
						segments := slow.segments(w)
						if active {
							segments = slow.segmentsWhere(l.curve(masks[c]), w)
						}
						want, wantOK := weigh(segments)
						got, ok := s.weigh(c, active)
						Expect(ok).To(Equal(wantOK))
						if !ok {
							continue
						}
						scale := max(math.Abs(want.max), math.Abs(want.min))
						near(got.avg, want.avg, scale)
						near(got.std, want.std, scale)
						near(got.min, want.min, scale)
						near(got.max, want.max, scale)
						near(got.p50, want.p50, scale)
						near(got.p99, want.p99, scale)
					}
				}
			}
		})
	}

	It("in ranges and bins agrees with the slow way to the width of a bin", func() {
		r := rand.New(rand.NewPCG(22, 23))
		requests := randomRequests(r, rangedRequests, 2e9)
		l := newLoad(requests)
		w, _ := l.span()
		s := sweepOf(requests, w)
		for c := range curves {
			s.weights[c][0].fold()
			s.weights[c][1].fold()
			for _, active := range []bool{false, true} {
				segments := l.curve(c).segments(w)
				if active {
					segments = l.curve(c).segmentsWhere(l.curve(masks[c]), w)
				}
				want, _ := weigh(segments)
				got, ok := s.weigh(c, active)
				Expect(ok).To(BeTrue())
				near(got.avg, want.avg, want.max)
				near(got.std, want.std, want.max)
				near(got.max, want.max, want.max)
				for _, p := range [][2]float64{{got.p50, want.p50}, {got.p90, want.p90}, {got.p95, want.p95}, {got.p99, want.p99}} {
					Expect(p[0]).To(BeNumerically("~", p[1], math.Abs(p[1])/(1<<13)))
				}
			}
		}
		Expect(must(s.weigh(concurrency, false)).p90).To(Equal(math.Trunc(must(s.weigh(concurrency, false)).p90)), "whole numbers stay whole")
	})
})

var _ = Describe("weights of a curve", func() {
	It("join to what they are together", func() {
		r := rand.New(rand.NewPCG(24, 25))
		var parts [5]weights
		var all []segment
		for i := range parts {
			for range []int{10, 3 * exactSegments, 0, 2 * exactSegments, 1000}[i] {
				g := segment{math.Exp(r.NormFloat64()) * 1e-6, r.Float64() * 1e6}
				if r.IntN(100) == 0 {
					g.v = 0
				}
				parts[i].add(g.v, g.dt)
				all = append(all, g)
			}
		}
		want, _ := weigh(all)
		for i := range parts[1:] {
			parts[0].join(&parts[i+1])
		}
		got, ok := weighAll(&parts[0])
		Expect(ok).To(BeTrue())
		Expect(got.avg).To(BeNumerically("~", want.avg, 1e-12*want.avg))
		Expect(got.std).To(BeNumerically("~", want.std, 1e-9*want.std))
		Expect([]float64{got.min, got.max}).To(Equal([]float64{want.min, want.max}))
		for _, p := range [][2]float64{{got.p50, want.p50}, {got.p90, want.p90}, {got.p95, want.p95}, {got.p99, want.p99}} {
			Expect(p[0]).To(BeNumerically("~", p[1], p[1]/(1<<13)))
		}
	})
})

func must(s timeWeighted, _ bool) timeWeighted { return s }
