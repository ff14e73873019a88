package arrivals

import (
	"math"
	"slices"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// distance is the Kolmogorov-Smirnov statistic: the largest distance between the
// distribution of the gaps and the one that they should have.
func distance(p Pattern, n int, cdf func(sec float64) float64) float64 {
	at := moments(p, n)
	gaps := make([]float64, n)
	for i := range at {
		gaps[i] = at[i].Seconds()
		if i > 0 {
			gaps[i] = (at[i] - at[i-1]).Seconds()
		}
	}
	slices.Sort(gaps)
	worst := 0.0
	for i, g := range gaps {
		f := cdf(g)
		worst = max(worst, math.Abs(f-float64(i)/float64(n)), math.Abs(float64(i+1)/float64(n)-f))
	}
	return worst
}

// critical is the distance that one sample in a hundred exceeds by chance.
func critical(n int) float64 { return 1.628 / math.Sqrt(float64(n)) }

// gammaCDF is the regularised lower incomplete gamma function P(shape, x), by its
// power series.
func gammaCDF(shape, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x > shape+60*math.Sqrt(shape)+60 {
		return 1
	}
	term := 1 / shape
	sum := term
	for n := 1.0; term > sum*1e-14; n++ {
		term *= x / (shape + n)
		sum += term
	}
	lg, _ := math.Lgamma(shape)
	return min(1, sum*math.Exp(shape*math.Log(x)-x-lg))
}

var _ = Describe("the distribution of the gaps", func() {
	// At a low rate, because gaps are whole nanoseconds: of bursty ones at 200/s more
	// than one in a hundred is shorter than that.
	const n, rate = 20000, 0.02

	It("is exponential for poisson (Kolmogorov-Smirnov, seed 11)", func() {
		d := distance(make1(NewPoisson, Config{RatePerSec: rate, Rand: stream(11)}), n, func(s float64) float64 { return 1 - math.Exp(-rate*s) })
		Expect(d).To(BeNumerically("<", critical(n)))
	})

	DescribeTable("is a gamma distribution for gamma (Kolmogorov-Smirnov, seed 11)", func(shape float64) {
		d := distance(make1(NewGamma, Config{RatePerSec: rate, Smoothness: shape, Rand: stream(11)}), n,
			func(s float64) float64 { return gammaCDF(shape, s*rate*shape) })
		Expect(d).To(BeNumerically("<", critical(n)))
	},
		Entry("bursty", 0.25), Entry("as poisson", 1.0), Entry("a little regular", 1.5), Entry("regular", 4.0), Entry("very regular", 100.0))

	It("is told apart from one that is only near it", func() {
		p := make1(NewGamma, Config{RatePerSec: rate, Smoothness: 1.1, Rand: stream(11)})
		Expect(distance(p, n, func(s float64) float64 { return 1 - math.Exp(-rate*s) })).To(BeNumerically(">", critical(n)))
	})

	DescribeTable("has mean 1/rate and a coefficient of variation of 1/√smoothness", func(shape, cv, tolerance float64) {
		mean, got := shapeOf(shape)
		Expect(mean).To(BeNumerically("~", 1.0/200, 0.02/200))
		Expect(got).To(BeNumerically("~", cv, tolerance))
	},
		Entry("4", 4.0, 0.5, 0.05), Entry("0.25", 0.25, 2.0, 0.2), Entry("none given", 0.0, 1.0, 0.05))
})

func shapeOf(smoothness float64) (mean, cv float64) {
	return shape(moments(make1(NewGamma, Config{RatePerSec: 200, Smoothness: smoothness, Rand: stream(11)}), 200000))
}

var _ = Describe("gamma arrivals", func() {
	It("are the same for the same stream, and others for another", func() {
		at := func(seed uint64) any {
			return moments(make1(NewGamma, Config{RatePerSec: 10, Smoothness: 0.5, Rand: stream(seed)}), 100)
		}
		Expect(at(5)).To(Equal(at(5)))
		Expect(at(5)).NotTo(Equal(at(6)))
	})

	DescribeTable("refuse a shape that is none", func(smoothness float64) {
		_, err := NewGamma(Config{RatePerSec: 1, Smoothness: smoothness, Rand: stream(1)})
		Expect(err).To(MatchError(ContainSubstring("smoothness must be a number > 0")))
	}, Entry("negative", -1.0), Entry("not a number", math.NaN()), Entry("infinite", math.Inf(1)))

	It("cannot be made without chance", func() {
		_, err := NewGamma(Config{RatePerSec: 1, Smoothness: 2})
		Expect(err).To(MatchError(ContainSubstring("random stream")))
	})
})

func BenchmarkGamma(b *testing.B) {
	p, err := NewGamma(Config{RatePerSec: 1000, Smoothness: 0.5, Rand: stream(1)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Next()
	}
}
