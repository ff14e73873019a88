package timing

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/plugins"
)

var _ = Describe("a preview", func() {
	run := func(phases ...config.Phase) *config.Run {
		seed := uint64(42)
		r := &config.Run{RandomSeed: &seed}
		r.Benchmark.Phases = phases
		r.Benchmark.Dataset.Sampling = "sequential"
		r.Environment.Timing.DispatchLeadMS, r.Environment.Timing.MaxCatchupSec = 5, 0.01
		r.Environment.Timing.CancelDrainTimeoutSec, r.Environment.Service.StartTimeoutSec = 10, 30
		return r
	}
	preview := func(r *config.Run, data turnsOf) []PhasePreview {
		GinkgoHelper()
		out, err := Preview(r, plugins.Builtin(), data, true)
		Expect(err).NotTo(HaveOccurred())
		return out
	}

	It("has the instants, counts and cuts that the run has", func() {
		poisson := profiling(config.Phase{Type: config.TypePoisson, RatePerSec: ptr(100.0), Requests: ptr(800), Cancellation: &config.Cancellation{RatePct: 25}})
		warm := warmup(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(2), Requests: ptr(6)})
		got := preview(run(warm, poisson), singleTurns(10))

		w := newWorld(scenario{phases: []config.Phase{warm, poisson}, seed: 42})
		w.run()
		var cut int64
		var first []time.Duration
		start := w.final(1).Stats.StartNS
		for _, d := range w.sent {
			if d.PhaseIndex != 1 {
				continue
			}
			if d.CancelAfterNS != nil {
				cut++
			}
			if len(first) < previewFirst {
				first = append(first, time.Duration(d.ScheduledNS-start))
			}
		}
		Expect(got[0].Requests).To(BeEquivalentTo(6))
		Expect(got[1]).To(And(HaveField("Name", "profiling"), HaveField("Scheduled", true), HaveField("Requests", int64(800)), HaveField("Sessions", int64(800)), HaveField("Cut", cut), HaveField("Truncated", false)))
		Expect(got[1].First).To(Equal(first))
	})

	It("assumes how long answers take where the load follows them", func() {
		got := preview(run(profiling(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(3), DurationSec: ptr(4.5), GraceInfinite: true})), singleTurns(10))
		Expect(got[0].Scheduled).To(BeFalse())
		Expect(got[0].Requests).To(BeEquivalentTo(15), "three at 0, 1, 2, 3 and 4 s")
		Expect(got[0].Load.Sent).To(Equal([]int64{3, 3, 3, 3, 3, 0}))
	})

	It("stops where nobody reads on", func() {
		DeferCleanup(func(most int) { previewMost = most }, previewMost)
		previewMost = 10000
		got := preview(run(profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(1e6), DurationSec: ptr(1000.0), GraceInfinite: true})), singleTurns(10))
		Expect(got[0].Truncated).To(BeTrue())
		Expect(got[0].Requests).To(BeNumerically("~", previewMost, passLimit))
	})
})
