package timing

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/plugins"
)

var _ = Describe("the plan of a phase", func() {
	plan := func(phases ...config.Phase) ([]*phasePlan, error) {
		run := &config.Run{}
		run.Benchmark.Phases = phases
		return newPlans(run, plugins.Builtin(), dataset.NewSeeds(1))
	}

	It("carries what was asked for", func() {
		plans, err := plan(
			warmup(config.Phase{Type: config.TypeConcurrency, Requests: ptr(5)}),
			profiling(config.Phase{Type: config.TypePoisson, RatePerSec: ptr(20.0), DurationSec: ptr(2.5), GracePeriodSec: 30, Concurrency: ptr(7), Sessions: ptr(9)}),
		)
		Expect(err).NotTo(HaveOccurred())
		w, p := plans[0], plans[1]
		Expect(w.pattern).To(BeNil())
		Expect(w.concurrency).To(Equal(1), "a burst has a limit")
		Expect(*w.announced.Concurrency).To(BeEquivalentTo(1))
		Expect(w.grace).To(BeNumerically("<", 0))
		Expect(w.announced.GracePeriodInfinite).To(BeTrue())
		Expect(w.announced.GracePeriodSec).To(BeNil())
		Expect(w.announced.ProfilingIndex).To(BeNil())
		Expect(w.announced.ArrivalPattern).To(Equal("concurrency_burst"))
		Expect(w.announced.ExcludeFromResults).To(BeTrue())
		Expect(p.pattern).NotTo(BeNil())
		Expect(p.ratePerSec).To(Equal(20.0))
		Expect(p.duration).To(Equal(2500 * time.Millisecond))
		Expect(p.grace).To(Equal(30 * time.Second))
		Expect(p.concurrency).To(Equal(7))
		Expect(p.sessions).To(BeEquivalentTo(9))
		Expect(*p.announced.ProfilingIndex).To(Equal(0))
		Expect(p.announced.PhaseIndex).To(Equal(1))
		Expect(p.announced.TimingMode).To(Equal("request_rate"))
		Expect(*p.announced.RequestRate).To(Equal(20.0))
	})

	It("bounds spans that no clock can hold", func() {
		plans, err := plan(profiling(config.Phase{Type: config.TypeConcurrency, DurationSec: ptr(1e300), GracePeriodSec: 1e300}))
		Expect(err).NotTo(HaveOccurred())
		Expect(epoch.Add(plans[0].duration).Add(plans[0].grace)).To(BeNumerically(">", epoch))
	})

	DescribeTable("is refused with its place", func(p config.Phase, want string) {
		_, err := plan(profiling(p))
		Expect(err).To(MatchError(And(ContainSubstring("phases[0] (profiling): "), ContainSubstring(want))))
	},
		Entry("without an end", config.Phase{Type: config.TypeConcurrency}, "nothing stops it"),
		Entry("with a pattern nobody knows", config.Phase{Type: "tidal", Requests: ptr(1)}, "tidal"),
		Entry("with a rate of 0", config.Phase{Type: config.TypeConstant, Requests: ptr(1)}, "rate must be a number > 0"),
	)

	It("names every phase that cannot run, and a run without any", func() {
		_, err := plan(profiling(config.Phase{Type: "x", Requests: ptr(1)}), profiling(config.Phase{Type: config.TypeConcurrency}))
		Expect(err).To(MatchError(And(ContainSubstring("phases[0]"), ContainSubstring("phases[1]"))))
		_, err = plan()
		Expect(err).To(MatchError(ContainSubstring("there is none")))
	})
})
