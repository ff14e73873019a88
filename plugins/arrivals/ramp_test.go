package arrivals

import (
	"math"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// until counts the moments up to an instant.
func until(p Pattern, end time.Duration) (n int) {
	for p.Next() <= end {
		n++
	}
	return n
}

var _ = Describe("a ramp of the rate", func() {
	curveOf := func(r Ramp) Curve {
		points, err := r.Rate()
		Expect(err).NotTo(HaveOccurred())
		c, err := NewCurve(points)
		Expect(err).NotTo(HaveOccurred())
		return c
	}
	ramp := Ramp{Start: 10 * 0.1 / 30, Target: 10, DurationSec: 30}
	ramped := func(c Constructor, seed uint64) *Curved {
		p, err := NewCurved(c, Config{Rand: stream(seed), Smoothness: 0.5}, curveOf(ramp))
		Expect(err).NotTo(HaveOccurred())
		return p
	}

	It("is followed to within one request at constant gaps, and kept at its end", func() {
		p, curve := ramped(NewConstant, 1), curveOf(ramp)
		for n := 1; n <= 1000; n++ {
			at := p.Next().Seconds()
			Expect(curve.Count(at)).To(BeNumerically("~", float64(n), 1e-6))
		}
		Expect(curve.Count(130) - curve.Count(129)).To(BeNumerically("~", 10, 1e-9))
		Expect(until(ramped(NewConstant, 1), 30*time.Second)).To(BeNumerically("~", 149, 2))
	})

	DescribeTable("brings as many random arrivals as its integral, for every seed", func(c Constructor, sigma float64) {
		sum := 0
		for seed := range uint64(20) {
			n := until(ramped(c, seed), 30*time.Second)
			Expect(n).To(BeNumerically("~", 150, 3*sigma))
			sum += n
		}
		Expect(float64(sum) / 20).To(BeNumerically("~", 150, 10))
	},
		Entry("poisson", NewPoisson, math.Sqrt(150)), Entry("gamma", NewGamma, math.Sqrt(2*150)))

	It("can begin at 0 and can be flat", func() {
		p, err := NewCurved(NewConstant, Config{}, curveOf(Ramp{Target: 2, DurationSec: 4}))
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Next()).To(Equal(2 * time.Second)) // 2t²/8 = 1
		p, err = NewCurved(NewConstant, Config{}, curveOf(Ramp{Start: 4, Target: 4, DurationSec: 9}))
		Expect(err).NotTo(HaveOccurred())
		Expect(moments(p, 3)).To(Equal([]time.Duration{250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond}))
	})

	It("can be exponential: the square of the time, linear inside each step", func() {
		c := curveOf(Ramp{Strategy: RampExponential, Start: 1, Target: 10, DurationSec: 30, StepSec: 0.1})
		for _, t := range []float64{3, 10, 20, 30} {
			exact := t + 9*math.Pow(t, 3)/(3*900)
			Expect(c.Count(t)).To(BeNumerically("~", exact, 1), "to within a request")
		}
		Expect(c.Points()).To(HaveLen(301))
	})

	It("can be poisson: steps at random instants, the last of which is its end and its target", func() {
		for seed := range uint64(20) {
			points, err := Ramp{Strategy: RampPoisson, Start: 2, Target: 40, DurationSec: 10, Rand: stream(seed)}.Rate()
			Expect(err).NotTo(HaveOccurred())
			last := points[len(points)-1]
			Expect(last.Sec).To(BeNumerically("~", 10, 1e-9))
			Expect(last.PerSec).To(BeNumerically("~", 40, 1e-9))
			Expect(len(points)).To(BeNumerically("~", 1+2*39, 60))
		}
	})

	DescribeTable("is refused when it is none", func(r Ramp, want string) {
		_, err := r.Rate()
		Expect(err).To(MatchError(ContainSubstring(want)))
	},
		Entry("without a target", Ramp{DurationSec: 1}, "rate must be"),
		Entry("without a time", Ramp{Target: 1}, "takes a time > 0"),
		Entry("downwards", Ramp{Start: 2, Target: 1, DurationSec: 1}, "starts between"),
		Entry("from nowhere", Ramp{Start: math.NaN(), Target: 1, DurationSec: 1}, "starts between"),
		Entry("of another kind", Ramp{Strategy: "cubic", Target: 1, DurationSec: 1}, "linear, exponential or poisson"))
})

var _ = Describe("a series of rates", func() {
	It("is linear between its points, and as at its ends outside of them", func() {
		c, err := NewCurve([]RatePoint{point(10, 5), point(60, 40), point(90, 10)})
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Count(10)).To(Equal(50.0))
		Expect(c.Count(60)).To(Equal(50 + 50*22.5))
		Expect(c.Count(90)).To(Equal(50 + 50*22.5 + 30*25))
		Expect(c.Count(100)).To(Equal(c.Count(90) + 100))
		for _, n := range []float64{0, 1, 49, 50, 51, 700, 1175, 1800, 1925, 3000} {
			Expect(c.Count(c.when(n))).To(BeNumerically("~", n, 1e-6))
		}
	})
	It("may rest", func() {
		c, err := NewCurve([]RatePoint{point(0, 1), point(10, 1), point(10, 0), point(20, 0), point(20, 1)})
		Expect(err).NotTo(HaveOccurred())
		Expect(c.when(9)).To(Equal(9.0))
		Expect(c.when(11)).To(Equal(21.0))
	})
	DescribeTable("is refused when it is none", func(want string, points ...RatePoint) {
		_, err := NewCurve(points)
		Expect(err).To(MatchError(ContainSubstring(want)))
	},
		Entry("empty", "needs a point"), Entry("back", "goes back in time", point(2, 1), point(1, 1)),
		Entry("below 0", "a rate from 0 on", point(0, -1)), Entry("before the start", "an instant from 0 s on", point(-1, 1)), Entry("at rest", "rate must be", point(0, 0)))
})

var _ = DescribeTable("a ramp of a limit", func(strategy string, check func(steps []time.Duration)) {
	steps, err := Ramp{Strategy: strategy, Target: 100, DurationSec: 30, Rand: stream(3)}.Steps()
	Expect(err).NotTo(HaveOccurred())
	Expect(steps).To(HaveLen(99))
	Expect(steps[98]).To(BeNumerically("~", 30*time.Second, time.Microsecond))
	for i := 1; i < len(steps); i++ {
		Expect(steps[i]).To(BeNumerically(">=", steps[i-1]))
	}
	check(steps)
},
	Entry("linear", "", func(s []time.Duration) { Expect(s[0]).To(BeNumerically("~", 30*time.Second/99, time.Nanosecond)) }),
	Entry("exponential", RampExponential, func(s []time.Duration) {
		Expect(s[0].Seconds()).To(BeNumerically("~", 30*math.Sqrt(1.0/99), 1e-6))
	}),
	Entry("poisson", RampPoisson, func(s []time.Duration) { Expect(s[0]).To(BeNumerically(">", 0)) }),
)
