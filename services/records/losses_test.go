package records

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/metrics"
)

var _ = Describe("the ledger and the dead", func() {
	end := &messages.CreditsComplete{}

	It("books a dead worker's credits as lost, once it is quiet", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0))
		b.onServiceDown(died("worker", "worker_b"))
		b.hear(batch(b.record(0, 1, lostWith("worker_b"))), b.phaseEnd(0, 2), end)
		b.pass(settleWait - tickInterval)
		Expect(b.commands).To(BeEmpty(), "a real record could still come")
		b.pass(tickInterval)
		b.answer(nil)
		p := b.result()
		Expect(p.ErrorRequestCount).To(BeEquivalentTo(1))
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 2, Completed: 1, Lost: 1}))
		Expect(p.ErrorSummary[0].Details.Type).To(Equal("WorkerLost"))
		Expect(p.IsComplete).To(BeFalse())
		Expect(p.IncompleteReason).To(Equal("1 credit(s) were lost with processes that died: worker_b (signal: killed): 1"))
		Expect(p.Quality.Processes).To(Equal([]metrics.ProcessDeath{
			{ServiceID: "worker_b", ServiceType: "worker", How: "signal: killed", Restarted: true, CreditsLost: 1},
		}))
		Expect(p.Quality.ProcessesLost).To(BeEquivalentTo(1))
		Expect(p.Quality.ProcessesRestarted).To(BeEquivalentTo(1))
		Expect(b.lines.records).To(HaveLen(2), "the lost credit has its line")
	})

	It("lets a late real record of a dead worker win", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0))
		b.onServiceDown(died("worker", "worker_b"))
		b.hear(batch(b.record(0, 0, lostWith("worker_b"))), b.phaseEnd(0, 1), end)
		b.pass(time.Second)
		b.hear(b.records(0, 0))
		b.answer(nil)
		p := b.result()
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 1, Completed: 1}))
		Expect(p.IsComplete).To(BeTrue())
		Expect(b.lines.records).To(HaveLen(1))
	})

	It("ignores a substitute for a credit that has its record", func() {
		b := newFixture(testRun(1))
		b.hear(b.records(0, 0), batch(b.record(0, 0, lostWith("worker_b"))), b.phaseEnd(0, 1), end)
		b.answer(nil)
		Expect(b.result().Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 1, Completed: 1}))
	})

	It("writes records for what died with a record processor", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0, 3))
		b.onServiceDown(died("record_processor", "record_processor_b"))
		b.hear(b.phaseEnd(0, 5, [2]int64{4, 4}), end)
		b.pass(settleWait)
		b.answer(nil)
		p := b.result()
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 5, Completed: 2, Cancelled: 1, Lost: 2}))
		Expect(p.ErrorSummary[0].Details.Type).To(Equal("RecordProcessorLost"))
		Expect(p.Quality.Processes[0].CreditsLost).To(BeEquivalentTo(2))
		Expect(p.Quality.RecordsReceived).To(Equal(p.Quality.RecordsExpected))
		for _, r := range b.lines.records[2:] {
			Expect(r.Metadata.RecordProcessorID).To(Equal("record_processor_b"))
			Expect(r.Metadata.RequestStartNS).NotTo(BeZero())
			Expect(r.Metadata.RequestEndNS).To(BeNumerically(">=", r.Metadata.RequestStartNS))
		}
	})

	It("charges a worker with results that it had not handed on", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 2), end)
		b.onServiceDown(died("worker", "worker_b"))
		b.pass(settleWait)
		b.answer(nil)
		Expect(b.result().ErrorSummary[0].Details.Type).To(Equal("WorkerLost"))
		Expect(b.result().Quality.Processes[0].CreditsLost).To(BeEquivalentTo(1))
	})

	It("gives nothing up while survivors still deliver", func() {
		b := newFixture(testRun(1))
		b.onServiceDown(died("record_processor", "record_processor_b"))
		b.hear(b.phaseStart(0), b.phaseEnd(0, 8), end)
		for id := range int64(8) {
			b.pass(settleWait - tickInterval)
			b.hear(b.records(0, id))
		}
		b.answer(nil)
		Expect(b.result().Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 8, Completed: 8}))
	})

	It("takes its own sleep for no silence of others", func() {
		b := newFixture(testRun(1))
		b.onServiceDown(died("record_processor", "record_processor_b"))
		b.hear(b.phaseStart(0), b.phaseEnd(0, 2), end)
		b.tick()
		b.now = b.now.Add(10 * time.Second) // stopped; the records wait in the socket
		b.tick()
		b.hear(b.records(0, 0, 1))
		b.answer(nil)
		Expect(b.result().Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 2, Completed: 2}))
	})

	It("gives nothing up before the phase has ended", func() {
		b := newFixture(testRun(1))
		b.onServiceDown(died("record_processor", "record_processor_b"))
		b.hear(b.phaseStart(0), b.records(0, 1))
		b.pass(30 * time.Second)
		Expect(b.lines.records).To(HaveLen(1))
		b.hear(b.records(0, 0), b.phaseEnd(0, 2), end)
		b.answer(nil)
		Expect(b.result().IsComplete).To(BeTrue())
	})

	It("accounts for a warmup's dead while profiling goes on", func() {
		b := newFixture(testRun(2))
		b.onServiceDown(died("worker", "worker_b"))
		b.hear(b.phaseStart(0), batch(b.record(0, 0, lostWith("worker_b"))), b.phaseEnd(0, 1), b.phaseStart(1))
		b.pass(settleWait)
		Expect(b.lines.records).To(HaveLen(1))
		b.hear(b.records(1, 0), b.phaseEnd(1, 1), end)
		b.answer(nil)
		p := b.result()
		Expect(p.ErrorRequestCount).To(BeZero())
		Expect(p.IsComplete).To(BeFalse(), "a run with losses is never complete")
	})

	It("does not call a run incomplete for a death that cost nothing", func() {
		b := newFixture(testRun(1))
		b.onServiceDown(died("worker", "worker_b"))
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), end)
		b.answer(nil)
		Expect(b.result().IsComplete).To(BeTrue())
		Expect(b.result().Quality.Verdict).To(Equal(metrics.VerdictDegraded))
	})
})

var _ = Describe("the ledger's bounds", func() {
	end := &messages.CreditsComplete{}

	It("ends a stalled run, and names what is missing", func() {
		b := newFixture(testRun(1))
		b.onHealth("worker_a", &messages.WorkerHealth{})
		b.onHealth("worker_silent", &messages.WorkerHealth{})
		b.hear(b.phaseStart(0), b.records(0, 0, 4), b.phaseEnd(0, 6), end)
		b.pass(59 * time.Second)
		Expect(b.commands).To(BeEmpty())
		b.pass(time.Second)
		b.answer(nil)
		p := b.result()
		Expect(p.IsComplete).To(BeFalse())
		Expect(p.IncompleteReason).To(And(ContainSubstring("4 of 6 records"), ContainSubstring("1-3, 5"), ContainSubstring("worker_silent"),
			Not(ContainSubstring("worker_a"))))
		c := p.Quality.Credits
		Expect(c).To(Equal(metrics.CreditCounts{Issued: 6, Completed: 2, Lost: 4}), "a credit of which nothing was heard is lost")
		Expect(p.Quality.RecordsExpected - p.Quality.RecordsReceived).To(BeEquivalentTo(4))
		Expect(p.Quality.Verdict).To(Equal(metrics.VerdictInvalid))
		for _, m := range b.reported {
			Expect(m).NotTo(BeAssignableToTypeOf(&messages.AllRecordsReceived{}))
		}
	})

	It("starts the stall anew with every record", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.phaseEnd(0, 3), end)
		for id := range int64(2) {
			b.pass(50 * time.Second)
			b.hear(b.records(0, id))
		}
		Expect(b.commands).To(BeEmpty())
	})

	It("never stalls while credits are still out", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0))
		b.pass(10 * time.Minute)
		Expect(b.commands).To(BeEmpty())
	})

	It("waits for ever when that is asked for", func() {
		run := testRun(1)
		run.Environment.Record.CompletionStallTimeoutSec = 0
		b := newFixture(run)
		b.hear(b.phaseStart(0), b.phaseEnd(0, 1), end)
		b.pass(10 * time.Minute)
		Expect(b.commands).To(BeEmpty())
	})

	It("ends a run of which the last notices were lost", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1))
		b.pass(61 * time.Second)
		b.answer(nil)
		Expect(b.result().IncompleteReason).To(ContainSubstring("the notice that the last phase has ended"))
	})
})

var _ = Describe("cancelling", func() {
	cancelledEnd := func(b *fixture, index int, sent int64, noRecord ...[2]int64) *messages.CreditPhaseComplete {
		m := b.phaseEnd(index, sent, noRecord...)
		m.Stats.WasCancelled = true
		return m
	}

	It("summarises when the drained credits are accounted for", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0), batch(b.record(0, 1, withCancel)), cancelledEnd(b, 0, 3, [2]int64{2, 2}),
			&messages.CreditsComplete{WasCancelled: true})
		b.answer(nil)
		p := b.result()
		Expect(p.WasCancelled).To(BeTrue())
		Expect(p.IsComplete).To(BeFalse())
		Expect(p.IncompleteReason).To(Equal("cancelled"))
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 3, Completed: 1, Cancelled: 2}))
		Expect(p.CancelledRequestCount).To(BeEquivalentTo(1), "as many as there are lines")
	})

	It("summarises what has arrived when it is asked to, once it is quiet", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0))
		b.cancel("interrupt")
		b.pass(300 * time.Millisecond)
		b.hear(b.records(0, 1))
		b.pass(400 * time.Millisecond)
		Expect(b.commands).To(BeEmpty())
		b.pass(100 * time.Millisecond)
		b.answer(nil)
		p := b.result()
		Expect(p.WasCancelled).To(BeTrue())
		Expect(p.IncompleteReason).To(Equal("cancelled: interrupt"))
		Expect(p.SuccessfulRequestCount).To(BeEquivalentTo(2))
	})

	It("is done within its bound, whoever does not answer", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0))
		b.cancel("interrupt")
		for range 10 { // records keep coming
			b.pass(300 * time.Millisecond)
			b.hear(b.records(0, int64(b.seq)))
		}
		Expect(b.result()).NotTo(BeNil())
		b.answer(nil) // too late, and of no consequence
		Expect(b.result().WasCancelled).To(BeTrue())
	})

	It("ends by itself when the timing manager was cancelled and a record processor says nothing", func() {
		b := newFixture(testRun(1))
		cancelled := b.phaseEnd(0, 3)
		cancelled.Stats.WasCancelled = true
		b.hear(b.phaseStart(0), b.records(0, 0), cancelled, &messages.CreditsComplete{WasCancelled: true})
		b.pass(settleWait + cancelWait)
		p := b.result()
		Expect(p).NotTo(BeNil(), "nobody asked, and nobody answered")
		Expect(p.WasCancelled).To(BeTrue())
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 3, Completed: 1, Lost: 2}))
	})

	It("hurries a result that is being made", func() {
		b := newFixture(testRun(1))
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), &messages.CreditsComplete{})
		b.pass(10 * time.Second)
		Expect(b.result()).To(BeNil(), "the others still finish")
		b.cancel("interrupt")
		b.pass(cancelWait)
		Expect(b.result().WasCancelled).To(BeTrue())
		Expect(b.result().IsComplete).To(BeFalse())
	})

	It("works before anything has arrived", func() {
		b := newFixture(testRun(1))
		b.cancel("")
		b.pass(time.Second)
		b.answer(nil)
		Expect(b.result().Completed).To(BeZero())
		Expect(b.result().WasCancelled).To(BeTrue())
	})
})

var _ = Describe("waiting for GPU samples", func() {
	withGPU := func() *fixture {
		run := testRun(1)
		run.Benchmark.GPUTelemetry.Enabled = true
		b := newFixture(run)
		return b
	}
	done := func(b *fixture) {
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), &messages.CreditsComplete{})
		b.answer(nil)
	}
	sample := func(complete bool) *messages.TelemetryRecords {
		return &messages.TelemetryRecords{CollectorID: "dcgm", Sequence: 1, CollectionComplete: complete}
	}
	telemetryReported := func(b *fixture) bool {
		_, yes := b.reported[len(b.reported)-1].(*messages.ProcessTelemetryResult)
		return yes
	}

	It("waits for the last batch", func() {
		b := withGPU()
		b.hear(sample(false))
		done(b)
		b.pass(20 * time.Second)
		Expect(b.result()).To(BeNil())
		b.hear(sample(true))
		Expect(b.result()).NotTo(BeNil())
		Expect(telemetryReported(b)).To(BeTrue(), "the GPU result follows the profile result")
		Expect(b.lines.samples).To(Equal(2))
	})

	It("gives up after its bound, which is no fatal error", func() {
		b := withGPU()
		b.hear(sample(false))
		done(b)
		b.pass(drainLimit)
		p := b.result()
		Expect(p.IsComplete).To(BeTrue())
		Expect(p.Errors).To(HaveLen(1))
		Expect(p.Errors[0].Details).To(HaveKeyWithValue("fatal", false))
	})

	DescribeTable("does not wait",
		func(what func(b *fixture)) {
			b := withGPU()
			what(b)
			done(b)
			Expect(b.result()).NotTo(BeNil())
			Expect(b.result().Errors).To(BeEmpty())
			Expect(telemetryReported(b)).To(BeTrue())
		},
		Entry("when nobody collects", func(*fixture) {}),
		Entry("when no source answers", func(b *fixture) { b.hear(sample(false)); b.onTelemetryStatus(&messages.TelemetryStatus{}) }),
		Entry("when the collector has died", func(b *fixture) { b.hear(sample(false)); b.onServiceDown(died("gpu_telemetry_manager", "g")) }),
	)
})
