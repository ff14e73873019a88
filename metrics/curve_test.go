package metrics

import (
	"math"
	"math/rand/v2"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// at is a curve's value at time t, looked up the slow way.
func (c curve) at(t float64) float64 {
	v := 0.0
	for _, e := range c {
		if e.t <= t {
			v = e.v
		}
	}
	return v
}

// sampled are time-weighted statistics by looking at every unit of time.
func sampled(c, mask curve, w window) (avg, p90 float64, any bool) {
	var values []float64
	for t := w.from; t < w.to; t++ {
		if mask == nil || mask.at(t) > 0 {
			values = append(values, c.at(t))
		}
	}
	if len(values) == 0 {
		return 0, 0, false
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	slices.Sort(values)
	return sum / float64(len(values)), values[int(math.Ceil(0.9*float64(len(values))))-1], true
}

var _ = Describe("a step curve", func() {
	It("agrees with looking at every instant", func() {
		r := rand.New(rand.NewPCG(5, 6))
		for range 300 {
			var a, b changes
			for range 1 + r.IntN(12) {
				from := float64(r.IntN(60))
				a.between(from, from+float64(r.IntN(20)), float64(1+r.IntN(5)))
				from = float64(r.IntN(60))
				b.between(from, from+float64(r.IntN(20)), 1)
			}
			rate, mask := accumulate(a), accumulate(b)
			w := window{float64(r.IntN(20)) - 5, 40 + float64(r.IntN(60))}

			quotient := divide(rate, mask)
			for t := w.from; t < w.to; t++ {
				want := 0.0
				if mask.at(t) != 0 {
					want = rate.at(t) / mask.at(t)
				}
				Expect(quotient.at(t)).To(Equal(want))
			}
			for _, m := range []curve{nil, mask} {
				avg, p90, any := sampled(rate, m, w)
				segments := rate.segments(w)
				if m != nil {
					segments = rate.segmentsWhere(m, w)
				}
				s, ok := weigh(segments)
				Expect(ok).To(Equal(any))
				if ok {
					Expect(s.avg).To(BeNumerically("~", avg, 1e-9))
					Expect(s.p90).To(Equal(p90))
				}
			}
		}
	})

	It("never shows a slot taken before it was given back", func() {
		c := accumulate([]event{{0, 1}, {5, 1}, {5, -1}, {9, -1}})
		Expect(c).To(Equal(curve{{0, 1}, {5, 1}, {9, 0}}))
	})

	It("ends at 0, whatever the rates were", func() {
		var c changes
		r := rand.New(rand.NewPCG(7, 8))
		for range 2000 {
			from := r.Float64() * 1e9
			c.between(from, from+r.Float64()*1e8, r.Float64()*1e-6)
		}
		got := accumulate(c)
		Expect(got[len(got)-1].v).To(Equal(0.0))
		for i := 1; i < len(got); i++ {
			Expect(got[i].t).To(BeNumerically(">", got[i-1].t))
		}
	})

	It("has no statistics in an empty window", func() {
		_, ok := weigh(curve{{0, 1}, {5, 0}}.segments(window{3, 3}))
		Expect(ok).To(BeFalse())
		_, ok = weigh(curve{{0, 1}, {5, 0}}.segments(window{4, 3}))
		Expect(ok).To(BeFalse())
	})
})

var _ = Describe("the load", func() {
	It("spreads a request without gaps evenly, whatever the others have", func() {
		with := request{start: 0, genStart: 1e9, end: 4e9, isl: 10, osl: 7, gaps: gapsOf(1e9, 2e9)}
		without := request{start: 0, genStart: 2e9, end: 3e9, isl: 6, osl: 5}
		l := newLoad([]request{with, without})
		Expect(l.decodeRate.at(1.5e9)).To(BeNumerically("~", 3e-9, 1e-20))
		Expect(l.decodeRate.at(2.5e9)).To(BeNumerically("~", 1.5e-9+4e-9, 1e-20))
		Expect(l.tokensInFlight.at(0)).To(Equal(16.0))
		Expect(l.tokensInFlight.at(2.5e9)).To(Equal(10.0 + 1 + 3 + 6 + 5))
		Expect(l.tokensInFlight.at(3.5e9)).To(Equal(10.0 + 1 + 3))
		Expect(l.tokensInFlight.at(4e9)).To(Equal(0.0))
	})

	It("gives an output of one token to the prefill", func() {
		l := newLoad([]request{{start: 0, genStart: 10, end: 20, isl: 5, osl: 1}})
		Expect(l.decodeRate.at(15)).To(Equal(0.0))
		Expect(l.tokensInFlight.at(15)).To(Equal(6.0))
	})

	It("leaves requests without stamps or tokens out of what needs them", func() {
		l := newLoad([]request{
			{start: 0, genStart: absent, end: 20, isl: 5, osl: 5},
			{start: absent, genStart: absent, end: absent, isl: 5, osl: 5},
			{start: 3, genStart: 5, end: 9, isl: absent, osl: absent},
		})
		Expect(l.concurrency.at(4)).To(Equal(2.0))
		Expect(l.decodeConcurrency.at(6)).To(Equal(1.0))
		Expect(l.prefillRate).To(BeEmpty())
		Expect(l.decodeRate).To(BeEmpty())
		Expect(l.totalRate).To(BeEmpty())
		Expect(l.tokensInFlight).To(BeEmpty())
	})
})

var _ = Describe("sorting", func() {
	It("by digits equals sorting by comparison", func() {
		r := rand.New(rand.NewPCG(9, 10))
		for _, n := range []int{0, 1, radixThreshold - 1, radixThreshold, 2 * radixThreshold} {
			for _, draw := range []func() float64{
				func() float64 { return float64(r.Int64N(1e9)) },
				func() float64 { return r.NormFloat64() * 1e-9 },
				func() float64 { return float64(r.IntN(3)) - 1 },
				func() float64 { return 42 },
			} {
				x := make([]float64, n)
				for i := range x {
					x[i] = draw()
				}
				want := slices.Clone(x)
				slices.Sort(want)
				sortFloats(x)
				Expect(x).To(Equal(want))
			}
		}
	})

	It("puts negative changes first, in small lists and large", func() {
		r := rand.New(rand.NewPCG(11, 12))
		for _, n := range []int{50, 4 * radixThreshold} {
			events := make([]event, n)
			for i := range events {
				events[i] = event{float64(r.IntN(20)), float64(r.IntN(3)) - 1}
			}
			sortEvents(events)
			for i := 1; i < n; i++ {
				a, b := events[i-1], events[i]
				Expect(a.t < b.t || a.t == b.t && a.v <= b.v).To(BeTrue())
			}
		}
	})
})

var _ = Describe("a compensated sum", func() {
	It("keeps what plain addition loses", func() {
		var c compensated
		for _, x := range []float64{1e16, 1, 1, 1, 1, -1e16} {
			c.add(x)
		}
		Expect(c.value()).To(Equal(4.0))
	})

	It("is the same in any order, to 1e-12", func() {
		r := rand.New(rand.NewPCG(13, 14))
		x := make([]float64, 10_000)
		for i := range x {
			x[i] = math.Exp(r.NormFloat64()*10) * 1e3
		}
		sum := func() float64 {
			var c compensated
			for _, v := range x {
				c.add(v)
			}
			return c.value()
		}
		want := sum()
		for range 5 {
			r.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
			Expect(sum()).To(BeNumerically("~", want, 1e-12*want))
		}
	})

	It("of two parts is that of the whole", func() {
		r := rand.New(rand.NewPCG(15, 16))
		var whole, first, second compensated
		for i := range 10_000 {
			v := r.Float64() * 1e9
			whole.add(v)
			if i%3 == 0 {
				first.add(v)
			} else {
				second.add(v)
			}
		}
		first.add(second.value())
		Expect(first.value()).To(BeNumerically("~", whole.value(), 1e-12*whole.value()))
	})
})
