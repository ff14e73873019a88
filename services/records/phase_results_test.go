package records

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
)

var _ = Describe("the results of single phases", func() {
	end := &messages.CreditsComplete{}
	later := func(d time.Duration) func(*messages.MetricRecord) {
		return func(r *messages.MetricRecord) {
			r.Metadata.RequestStartNS, r.Metadata.RequestEndNS = r.Metadata.RequestStartNS.Add(d), r.Metadata.RequestEndNS.Add(d)
		}
	}

	It("hold each request once, in the phase that its record names, also where phases overlap", func() {
		b := newFixture(testRun(3))
		second := b.phaseStart(2)
		second.Stats.StartNS = startNS.Add(5 * time.Millisecond)
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1), b.phaseStart(1), second)
		b.hear(batch(b.record(1, 0), b.record(2, 0, later(5*time.Millisecond)), b.record(1, 1, withError("TimeoutError", "late")),
			b.record(2, 1, later(5*time.Millisecond)), b.record(2, 2, withCancel)))
		b.now = startNS.Add(20 * time.Millisecond)
		last := b.phaseEnd(2, 3)
		last.Stats.StartNS = second.Stats.StartNS
		b.hear(b.phaseEnd(1, 2), last, end)
		b.answer(nil)
		p := b.result()
		Expect(p.SuccessfulRequestCount).To(BeEquivalentTo(3), "both profiling phases")
		Expect(p.Phases).To(HaveLen(3))
		type counts struct{ ok, failed, cancelled int64 }
		for i, want := range []counts{{1, 0, 0}, {1, 1, 0}, {2, 0, 1}} {
			r := &p.Phases[i]
			Expect(counts{r.Profile.SuccessfulRequestCount, r.Profile.ErrorRequestCount, r.Profile.CancelledRequestCount}).To(Equal(want), r.Name)
			Expect(*find(r.Profile.Records, "request_count").Avg).To(BeEquivalentTo(want.ok))
			Expect(r.Profile.ErrorSummary).To(HaveLen(int(want.failed)))
			Expect(r.Profile.IsComplete).To(BeTrue())
			Expect(r.Profile.Phases).To(BeNil())
			Expect(r.Profile.Quality.Credits.Issued).To(Equal(want.ok + want.failed + want.cancelled))
			Expect(r.Profile.LoadSeries.Sent).To(Equal([]int64{want.ok + want.failed + want.cancelled}))
			Expect(r.Index).To(Equal(i))
		}
		Expect(p.Phases[0].ProfilingIndex).To(BeNil())
		Expect(p.Phases[0].Kind).To(Equal("warmup"))
		Expect(p.Phases[2].Profile.StartNS).To(Equal(startNS.Add(5 * time.Millisecond)))
		Expect(p.Phases[2].Profile.EndNS).To(Equal(startNS.Add(16 * time.Millisecond)))
		Expect(p.LoadSeries.Sent).To(Equal([]int64{5}), "the run's own counts no warmup")
		// Idle time between phases is nobody's duration: 10 ms + 11 ms.
		Expect(*find(p.Records, "benchmark_duration").Avg).To(BeNumerically("~", 0.021, 1e-9))
	})

	It("tell which phase is incomplete", func() {
		b := newFixture(testRun(3))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1), b.phaseStart(1), b.records(1, 0, 1), b.phaseEnd(1, 2), b.phaseStart(2), b.records(2, 0))
		cut := b.phaseEnd(2, 1)
		cut.Stats.WasCancelled = true
		b.hear(cut, &messages.CreditsComplete{WasCancelled: true})
		b.answer(nil)
		p := b.result()
		Expect(p.IsComplete).To(BeFalse())
		var complete []bool
		for i := range p.Phases {
			complete = append(complete, p.Phases[i].Profile.IsComplete)
		}
		Expect(complete).To(Equal([]bool{true, true, false}))
		Expect(p.Phases[2].Profile.WasCancelled).To(BeTrue())
		Expect(p.Phases[1].Profile.WasCancelled).To(BeFalse())
	})

	It("tell of each phase that a failure has ended, not only of the last", func() {
		b := newFixture(testRun(3))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1), b.phaseStart(1), b.phaseStart(2), batch(b.record(1, 0, withCancel), b.record(2, 0, withCancel)),
			b.phaseEnd(1, 1), b.phaseEnd(2, 1), &messages.CreditsComplete{Error: messages.NewError("Broken", "a plugin")})
		b.answer(nil)
		var reasons []string
		for _, p := range b.result().Phases {
			reasons = append(reasons, p.Profile.IncompleteReason)
		}
		Expect(reasons[0]).To(BeEmpty())
		Expect(reasons[1:]).To(HaveEach(ContainSubstring("a plugin")))
	})

	It("charge a lost worker to the phase whose requests it had", func() {
		b := newFixture(testRun(2))
		b.hear(b.phaseStart(0), batch(b.record(0, 0, lostWith("worker_a"))), b.phaseEnd(0, 1), b.phaseStart(1), b.records(1, 0), b.phaseEnd(1, 1), end)
		b.pass(3 * time.Second)
		b.answer(nil)
		p := b.result()
		Expect(p.Phases[0].Profile.IncompleteReason).To(ContainSubstring("1 credit(s) were lost"))
		Expect(p.Phases[0].Profile.ErrorRequestCount).To(BeEquivalentTo(1))
		Expect(p.Phases[1].Profile.IsComplete).To(BeTrue())
	})

	It("are left out where one phase ran alone", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1), end)
		b.answer(nil)
		Expect(b.result().Phases).To(BeNil())

		b = newFixture(testRun(2)) // cut before the second began
		cut := b.phaseEnd(0, 1)
		cut.Stats.WasCancelled = true
		b.hear(b.phaseStart(0), b.records(0, 0), cut, &messages.CreditsComplete{WasCancelled: true})
		b.answer(nil)
		Expect(b.result().Phases).To(BeNil())
	})

	It("have the GPUs' samples of their own time, or say that there was none", func() {
		run := testRun(2)
		run.Benchmark.GPUTelemetry.Enabled = true
		b := newFixture(run)
		sample := func(at clock.WallNS, watts float64) messages.GPUSample {
			return messages.GPUSample{TimestampNS: at, SourceURL: "http://a/metrics", GPUUUID: "GPU-1", Data: map[string]float64{"nvidia_power_usage": watts}}
		}
		b.hear(b.phaseStart(0), b.records(0, 0))
		b.now = startNS.Add(20 * time.Millisecond)
		b.hear(b.phaseEnd(0, 1))
		start := b.phaseStart(1)
		start.Stats.StartNS = startNS.Add(30 * time.Millisecond)
		b.now = startNS.Add(60 * time.Millisecond)
		stop := b.phaseEnd(1, 1)
		stop.Stats.StartNS = start.Stats.StartNS
		b.hear(start, batch(b.record(1, 0, later(30*time.Millisecond))), stop,
			&messages.TelemetryRecords{Records: []messages.GPUSample{sample(startNS.Add(25*time.Millisecond), 100), sample(startNS.Add(40*time.Millisecond), 300)}, CollectionComplete: true}, end)
		b.answer(nil)
		p := b.result()
		Expect(p.Phases[0].Telemetry).To(BeNil())
		Expect(p.Phases[0].TelemetryWarnings).To(HaveLen(1))
		Expect(*find(p.Phases[1].Telemetry.Endpoints[0].GPUs[0].Metrics, "nvidia_power_usage").Avg).To(Equal(300.0))
	})
})
