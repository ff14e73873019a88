package timing

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/messages"
)

var _ = Describe("a limit of failed requests", func() {
	failing := func(every int64) func(c messages.Credit) string {
		return func(c messages.Credit) string {
			if c.ID%every == 0 {
				return "503"
			}
			return ""
		}
	}
	load := func(share float64, concurrency int) config.Phase {
		return config.Phase{Type: config.TypeConcurrency, Concurrency: &concurrency, Requests: ptr(400), FailedThreshold: &share}
	}

	DescribeTable("ends the run when a larger share has failed, and not before it means something",
		func(share float64, concurrency int, every int64, ends bool, answers int) {
			w := newWorld(scenario{phases: []config.Phase{profiling(load(share, concurrency))}})
			w.outcome = failing(every)
			w.run()
			s := w.final(0).Stats
			Expect(s.InFlight()).To(BeZero(), "every request is accounted for")
			if !ends {
				Expect(w.complete.Error).To(BeNil())
				Expect(s.RequestsSent).To(BeEquivalentTo(400))
				return
			}
			Expect(w.complete.Error).NotTo(BeNil())
			Expect(w.complete.Error.Type).To(Equal("FailedRequestThresholdError"))
			Expect(w.complete.Error.Message).To(ContainSubstring("a larger share than"))
			Expect(s.RequestsSent).To(BeNumerically("~", answers+concurrency-1, concurrency))
			Expect(w.complete.WasCancelled).To(BeFalse())
		},
		Entry("all fail: after 10 answers", 0.5, 1, int64(1), true, 10),
		Entry("all fail, 30 at once: after 30 answers", 0.5, 30, int64(1), true, 30),
		Entry("one in two, where one in five is borne", 0.2, 1, int64(2), true, 10),
		Entry("one in ten, where one in five is borne", 0.2, 1, int64(10), false, 0),
		Entry("any failure, where none is borne", 0.0, 1, int64(100), true, 10),
		Entry("all fail, and all may", 1.0, 1, int64(1), false, 0))

	It("is of profiling alone", func() {
		p := load(0.1, 1)
		w := newWorld(scenario{phases: []config.Phase{warmup(p), profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(5)})}})
		w.outcome = failing(1)
		w.run()
		Expect(w.complete.Error).To(BeNil())
		Expect(w.final(0).Stats.RequestsSent).To(BeEquivalentTo(400))
	})

	It("counts the requests of workers that died", func() {
		share := 0.1
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(50.0), DurationSec: ptr(20.0), GraceInfinite: true, FailedThreshold: &share})}})
		w.service = func(messages.Credit) time.Duration { return 2 * time.Second }
		w.at(3*time.Second, func() { w.kill("worker_a", "worker_c") })
		w.run()
		Expect(w.complete.Error).NotTo(BeNil())
		Expect(w.complete.Error.Type).To(Equal("FailedRequestThresholdError"))
		Expect(w.final(0).Stats.InFlight()).To(BeZero())
	})
})
