package timing

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/messages"
)

var _ = Describe("simulated disconnects", func() {
	cuts := func(w *world, phase int) (n int) {
		for _, d := range w.sent {
			if d.PhaseIndex == phase && d.CancelAfterNS != nil {
				n++
			}
		}
		return n
	}
	which := func(seed uint64, workers ...string) (ids []int64) {
		w := newWorld(scenario{seed: seed, workers: workers, phases: []config.Phase{profiling(config.Phase{
			Type: config.TypeConcurrency, Concurrency: ptr(4), Requests: ptr(1000), Cancellation: &config.Cancellation{RatePct: 20, DelaySec: 0.25},
		})}})
		w.run()
		for _, d := range w.sent {
			if d.CancelAfterNS != nil {
				Expect(*d.CancelAfterNS).To(BeEquivalentTo(250e6))
				ids = append(ids, d.ID)
			}
		}
		slices.Sort(ids)
		return ids
	}

	It("take the asked share, chosen by the seed and not by the workers", func() {
		ids := which(7)
		Expect(len(ids)).To(BeNumerically("~", 200, 40), "three standard deviations of 1000 draws at 20 %%")
		Expect(which(7, "worker_a", "worker_b", "worker_c")).To(Equal(ids))
		Expect(which(8)).NotTo(Equal(ids))
	})

	It("leave the warmup alone, and phases that do not ask for them", func() {
		all := &config.Cancellation{RatePct: 100}
		w := newWorld(scenario{phases: []config.Phase{
			warmup(config.Phase{Type: config.TypeConcurrency, Requests: ptr(10), Cancellation: all}),
			profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(10)}),
			profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(10), Cancellation: all}),
		}})
		w.run()
		Expect([]int{cuts(w, 0), cuts(w, 1), cuts(w, 2)}).To(Equal([]int{0, 0, 10}))
		var configured *messages.CreditPhasesConfigured
		for _, m := range w.bus {
			if c, ok := m.(*messages.CreditPhasesConfigured); ok {
				configured = c
			}
		}
		Expect(configured.Configs[0].RequestCancellation).To(BeNil())
		Expect(configured.Configs[2].RequestCancellation).To(Equal(&messages.RequestCancellation{Rate: 100}))
	})

	It("complete a request without an error, and the session goes on with its next turn", func() {
		w := newWorld(scenario{data: turnsOf{turns: []int{3}}, phases: []config.Phase{profiling(config.Phase{
			Type: config.TypeConcurrency, Sessions: ptr(5), Cancellation: &config.Cancellation{RatePct: 100},
		})}})
		for _, f := range w.workers {
			f.returns = func(w *world, f *fakeWorker, r messages.CreditReturn) {
				r.Disconnected = true
				w.after(f.hop, func() { w.deliver(f, r) })
			}
		}
		w.run()
		s := w.final(0).Stats
		Expect([]int64{s.RequestsSent, s.RequestsCompleted, s.RequestsCancelled, s.RequestErrors, s.CompletedSessions}).To(Equal([]int64{15, 15, 0, 0, 5}))
	})
})
