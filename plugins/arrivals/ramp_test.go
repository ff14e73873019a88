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
	ramp := RateRamp{StartPerSec: 10 * 0.1 / 30, TargetPerSec: 10, DurationSec: 30}
	ramped := func(c Constructor, seed uint64) *Ramped {
		p, err := NewRamped(c, Config{Rand: stream(seed), Smoothness: 0.5}, ramp)
		Expect(err).NotTo(HaveOccurred())
		return p
	}

	It("is followed to within one request at constant gaps, and kept at its end", func() {
		p := ramped(NewConstant, 1)
		for n := 1; n <= 1000; n++ {
			at := p.Next().Seconds()
			Expect(ramp.Count(at)).To(BeNumerically("~", float64(n), 1e-6))
		}
		Expect(ramp.Count(130) - ramp.Count(129)).To(BeNumerically("~", 10, 1e-9))
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
		p, err := NewRamped(NewConstant, Config{}, RateRamp{TargetPerSec: 2, DurationSec: 4})
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Next()).To(Equal(2 * time.Second)) // 2t²/8 = 1
		p, err = NewRamped(NewConstant, Config{}, RateRamp{StartPerSec: 4, TargetPerSec: 4, DurationSec: 9})
		Expect(err).NotTo(HaveOccurred())
		Expect(moments(p, 3)).To(Equal([]time.Duration{250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond}))
	})

	DescribeTable("is refused when it is none", func(r RateRamp, want string) {
		_, err := NewRamped(NewConstant, Config{}, r)
		Expect(err).To(MatchError(ContainSubstring(want)))
	},
		Entry("without a target", RateRamp{DurationSec: 1}, "rate must be"),
		Entry("without a time", RateRamp{TargetPerSec: 1}, "takes a time > 0"),
		Entry("downwards", RateRamp{StartPerSec: 2, TargetPerSec: 1, DurationSec: 1}, "starts between"),
		Entry("from nowhere", RateRamp{StartPerSec: math.NaN(), TargetPerSec: 1, DurationSec: 1}, "starts between"))
})
