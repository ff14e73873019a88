package arrivals

import (
	"math"
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func stream(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }

func make1(c Constructor, cfg Config) Pattern {
	p, err := c(cfg)
	Expect(err).NotTo(HaveOccurred())
	return p
}

// moments takes the first n.
func moments(p Pattern, n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = p.Next()
	}
	return out
}

// shape is mean and coefficient of variation of the gaps, in seconds.
func shape(at []time.Duration) (mean, cv float64) {
	var gaps []float64
	last := time.Duration(0)
	for _, m := range at {
		gaps = append(gaps, (m - last).Seconds())
		last = m
	}
	var sum, squares float64
	for _, g := range gaps {
		sum += g
	}
	mean = sum / float64(len(gaps))
	for _, g := range gaps {
		squares += (g - mean) * (g - mean)
	}
	return mean, math.Sqrt(squares/float64(len(gaps))) / mean
}

var _ = Describe("a pattern", func() {
	DescribeTable("needs a rate that has an interval", func(rate float64) {
		for _, c := range []Constructor{NewConstant, NewPoisson, NewGamma} {
			_, err := c(Config{RatePerSec: rate, Rand: stream(1)})
			Expect(err).To(MatchError(ContainSubstring("rate must be a number > 0")))
		}
	},
		Entry("none", 0.0),
		Entry("a negative one", -3.0),
		Entry("not a number", math.NaN()),
		Entry("an infinite one, which would never get on", math.Inf(1)),
	)

	DescribeTable("never goes backwards and never leaves its range", func(rate float64) {
		for _, c := range []Constructor{NewConstant, NewPoisson, NewGamma} {
			last := time.Duration(0)
			for _, m := range moments(make1(c, Config{RatePerSec: rate, Rand: stream(3)}), 1000) {
				Expect(m).To(BeNumerically(">=", last))
				Expect(m).To(BeNumerically("<=", latest))
				last = m
			}
		}
	},
		Entry("an ordinary rate", 100.0),
		Entry("once in three million years", 1e-14),
		Entry("more than one per nanosecond", 1e12),
	)
})

var _ = Describe("constant arrivals", func() {
	It("come at n/rate, without an error that adds up", func() {
		at := moments(make1(NewConstant, Config{RatePerSec: 3}), 3_000_000)
		Expect(at[0]).To(Equal(333333333 * time.Nanosecond))
		Expect(at[2]).To(Equal(time.Second))
		Expect(at[2_999_999]).To(Equal(1_000_000 * time.Second))
	})
})

var _ = Describe("poisson arrivals", func() {
	It("have the mean gap 1/rate and a coefficient of variation of 1", func() {
		at := moments(make1(NewPoisson, Config{RatePerSec: 200, Rand: stream(11)}), 4000)
		mean, cv := shape(at)
		Expect(mean).To(BeNumerically("~", 1.0/200, 0.03/200))
		Expect(cv).To(BeNumerically("~", 1, 0.05))
	})

	It("are the same for the same stream, and others for another", func() {
		a := moments(make1(NewPoisson, Config{RatePerSec: 10, Rand: stream(5)}), 100)
		Expect(moments(make1(NewPoisson, Config{RatePerSec: 10, Rand: stream(5)}), 100)).To(Equal(a))
		Expect(moments(make1(NewPoisson, Config{RatePerSec: 10, Rand: stream(6)}), 100)).NotTo(Equal(a))
	})

	It("cannot be made without chance", func() {
		_, err := NewPoisson(Config{RatePerSec: 1})
		Expect(err).To(HaveOccurred())
	})
})

var _ = Describe("a concurrency burst", func() {
	It("has no gaps and needs no rate", func() {
		Expect(moments(make1(NewConcurrencyBurst, Config{}), 3)).To(Equal([]time.Duration{0, 0, 0}))
	})
})
