package records

import (
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/metrics"
)

// misshapen calls itself what it is not.
type misshapen struct {
	Records string `msgpack:"records"`
}

func (*misshapen) MessageType() string { return "metric_records" }

var _ = Describe("the ledger", func() {
	end := &messages.CreditsComplete{}

	It("hands in a complete result when every credit has its record", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0, 1, 2), b.phaseEnd(0, 3), end)
		Expect(b.commands).To(HaveLen(1))
		Expect(b.commands[0].name).To(Equal("profile_complete"))
		b.answer(nil)
		p := b.result()
		Expect(p).NotTo(BeNil())
		Expect(p.IsComplete).To(BeTrue(), p.IncompleteReason)
		Expect(p.WasCancelled).To(BeFalse())
		Expect(p.Completed).To(BeEquivalentTo(3))
		Expect(p.SuccessfulRequestCount).To(BeEquivalentTo(3))
		Expect(*p.TotalExpected).To(BeEquivalentTo(3))
		Expect(p.StartNS).To(Equal(startNS))
		Expect(p.EndNS).To(Equal(startNS.Add(12 * time.Millisecond)))
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 3, Completed: 3}))
		Expect(*p.Quality.KernelStampPct).To(Equal(100.0))
		Expect(b.lines.records).To(HaveLen(3))
		Expect(b.lines.closed).To(BeNumerically(">", 0))
	})

	It("asks the others to finish in order, and tells them the windows", func() {
		b := newFixture(testRun(2))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1))
		b.now = b.now.Add(time.Second)
		b.hear(b.phaseStart(1), b.records(1, 0), b.phaseEnd(1, 1), end)
		Expect(b.commands[0].payload).To(Equal(messages.ProfileCompletePayload{
			StartNS: startNS, EndNS: b.now, WarmupStartNS: startNS, WarmupEndNS: startNS,
		}))
		b.commands[0].done(nil)
		Expect(b.commands[1].name).To(Equal("finalize_artifacts"))
		Expect(b.result()).To(BeNil())
		b.commands[1].done(nil)
		Expect(b.result()).NotTo(BeNil())
		Expect(b.result().WarmupRecords).NotTo(BeEmpty())
		Expect(b.result().SuccessfulRequestCount).To(BeEquivalentTo(1), "warmup requests are not part of the results")
	})

	It("weighs the load by the time of the whole phase, idle time at its edges included", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 10)) // under way from 10 to 20 ms
		b.now = startNS.Add(40 * time.Millisecond)
		b.hear(b.phaseEnd(0, 11, [2]int64{0, 10}), end)
		b.answer(nil)
		concurrency := *find(b.result().Records, "effective_concurrency")
		Expect([]float64{*concurrency.Avg, *concurrency.Min, *concurrency.Max}).To(Equal([]float64{0.25, 0, 1}))
	})

	It("goes on when one of the others fails, and says so", func() {
		b := newFixture(testRun(1))
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), end)
		b.answer(errors.New("disk full"))
		p := b.result()
		Expect(p.IsComplete).To(BeTrue())
		Expect(p.Errors).To(HaveLen(2))
		Expect(p.Errors[0].Message).To(Equal("profile_complete: disk full"))
		Expect(p.Errors[0].Details).To(HaveKeyWithValue("fatal", false))
	})

	It("takes records that overtake the notice of their phase's start", func() {
		b := newFixture(testRun(1))
		b.hear(b.records(0, 1, 0), b.phaseStart(0), b.phaseEnd(0, 2), end)
		b.answer(nil)
		Expect(b.result().SuccessfulRequestCount).To(BeEquivalentTo(2))
	})

	It("waits for records that come after everything else", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 2), end)
		b.pass(50 * time.Second)
		Expect(b.commands).To(BeEmpty())
		b.hear(b.records(0, 1))
		b.answer(nil)
		Expect(b.result().IsComplete).To(BeTrue())
	})

	It("waits for the timing manager's last word", func() {
		b := newFixture(testRun(2))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1))
		Expect(b.commands).To(BeEmpty(), "the profiling phase is still to come")
		b.hear(b.phaseStart(1), b.records(1, 0), b.phaseEnd(1, 1))
		Expect(b.commands).To(BeEmpty())
		b.hear(end)
		Expect(b.commands).To(HaveLen(1))
	})

	It("counts a second record of a credit once, in columns, files and books", func() {
		b := newFixture(testRun(1))
		b.hear(b.records(0, 0, 0), b.records(0, 0), b.phaseEnd(0, 1), end)
		b.answer(nil)
		Expect(b.result().SuccessfulRequestCount).To(BeEquivalentTo(1))
		Expect(b.lines.records).To(HaveLen(1))
		Expect(b.store.Len()).To(Equal(1))
		Expect(b.repeats).To(BeEquivalentTo(2))
	})

	It("drops what comes after the result", func() {
		b := newFixture(testRun(1))
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), end)
		b.answer(nil)
		b.hear(b.records(0, 1), end)
		b.cancel("late")
		b.tick()
		Expect(b.lines.records).To(HaveLen(1))
		Expect(b.reported).To(HaveLen(2), "all_records_received and one result")
	})

	DescribeTable("what a record counts as",
		func(change func(*messages.MetricRecord), success, failed, cancelled int) {
			b := newFixture(testRun(1))
			b.hear(batch(b.record(0, 0, change)), b.phaseEnd(0, 1), end)
			b.pass(3 * time.Second)
			b.answer(nil)
			p := b.result()
			Expect([]int64{p.SuccessfulRequestCount, p.ErrorRequestCount, p.CancelledRequestCount}).
				To(Equal([]int64{int64(success), int64(failed), int64(cancelled)}))
			Expect(p.ErrorSummary).To(HaveLen(failed), "cancelled requests are no errors")
		},
		Entry("no error: a success", func(*messages.MetricRecord) {}, 1, 0, 0),
		Entry("an error: a failure", withError("HTTPError", "500"), 0, 1, 0),
		Entry("cancelled, although it has an error", withCancel, 0, 0, 1),
		Entry("a lost worker's: a failure", lostWith("worker_b"), 0, 1, 0),
	)

	It("counts credits that were never sent as cancelled, without a record", func() {
		b := newFixture(testRun(1))
		b.hear(b.records(0, 0, 3), b.phaseEnd(0, 5, [2]int64{1, 2}, [2]int64{4, 99}), end)
		b.answer(nil)
		p := b.result()
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 5, Completed: 2, Cancelled: 3}))
		Expect(p.CancelledRequestCount).To(BeZero())
		Expect(p.Quality.RecordsExpected).To(BeEquivalentTo(2))
		Expect(p.Quality.RecordsReceived).To(BeEquivalentTo(2))
	})

	It("lets a record win over the word that there is none", func() {
		b := newFixture(testRun(1))
		b.hear(b.phaseEnd(0, 2, [2]int64{0, 1}), b.records(0, 1), end)
		b.answer(nil)
		Expect(b.result().Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 2, Completed: 1, Cancelled: 1}))
	})

	It("refuses records that no timing manager can have caused", func() {
		b := newFixture(testRun(1))
		bad := b.record(0, 0)
		bad.Metadata.PhaseIndex = -3
		b.hear(batch(b.record(0, -1), b.record(0, 1<<40), bad, b.record(0, 0)), b.phaseEnd(0, 1), end)
		b.answer(nil)
		Expect(b.refused).To(BeEquivalentTo(3))
		Expect(b.result().SuccessfulRequestCount).To(BeEquivalentTo(1))
	})

	It("passes over messages that it cannot read or does not know", func() {
		b := newFixture(testRun(1))
		b.hear(&messages.Heartbeat{}, &messages.Heartbeat{}, &misshapen{Records: "none"})
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), end)
		b.answer(nil)
		Expect(b.result().SuccessfulRequestCount).To(BeEquivalentTo(1))
	})

	It("reports a load that could not be sent as planned", func() {
		b := newFixture(testRun(2))
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1), &messages.CreditsComplete{Error: messages.NewError("CreditPhaseError", "no worker")})
		b.answer(nil)
		p := b.result()
		Expect(p.IsComplete).To(BeFalse())
		Expect(p.IncompleteReason).To(ContainSubstring("no worker"))
		Expect(p.Completed).To(BeZero(), "no profiling phase was started")
	})

	It("leaves phases out that are excluded from the results", func() {
		run := testRun(3)
		b := newFixture(run)
		start := b.phaseStart(1)
		start.Config.ExcludeFromResults = true
		b.hear(b.phaseStart(0), b.records(0, 0), b.phaseEnd(0, 1), start, batch(b.record(1, 0, withError("X", "excluded"))), b.phaseEnd(1, 1),
			b.phaseStart(2), b.records(2, 0, 1), b.phaseEnd(2, 2), end)
		b.answer(nil)
		p := b.result()
		Expect(p.SuccessfulRequestCount).To(BeEquivalentTo(2))
		Expect(p.ErrorRequestCount).To(BeZero())
		Expect(p.ErrorSummary).To(BeEmpty())
		Expect(p.Quality.Credits.Issued).To(BeEquivalentTo(2))
	})

	Describe("live views", func() {
		It("publishes every batch as it is accumulated, without repeats", func() {
			b := newFixture(testRun(1))
			b.hear(b.records(0, 0, 1, 1), b.records(0, 1))
			Expect(b.published).To(HaveLen(1))
			Expect(b.published[0].(*messages.MetricRecords).Records).To(HaveLen(2))
		})

		It("publishes progress at its interval while there is some, and once at the end", func() {
			b := newFixture(testRun(1))
			stats := func() (n []int64) {
				for _, m := range b.published {
					if s, ok := m.(*messages.ProcessingStats); ok {
						n = append(n, s.ProcessingStats.SuccessRecords)
					}
				}
				return n
			}
			b.pass(4 * time.Second)
			Expect(stats()).To(BeEmpty(), "nothing before the first record")
			b.hear(b.phaseStart(0), b.records(0, 0))
			b.pass(5 * time.Second)
			Expect(stats()).To(Equal([]int64{1}), "nothing while nothing changes")
			b.hear(b.records(0, 1), b.phaseEnd(0, 2), end)
			Expect(stats()).To(Equal([]int64{1, 2}))
		})

		It("publishes live results at their interval and on command, while they change", func() {
			run := testRun(1)
			run.Benchmark.Runtime.StatsIntervalSec = 5
			b := newFixture(run)
			live := func() (n int) {
				for _, m := range b.published {
					if _, ok := m.(*messages.RealtimeMetrics); ok {
						n++
					}
				}
				return n
			}
			b.hear(b.phaseStart(0), b.records(0, 0))
			b.pass(4 * time.Second)
			Expect(live()).To(BeZero())
			b.pass(2 * time.Second)
			Expect(live()).To(Equal(1))
			b.pass(20 * time.Second)
			Expect(live()).To(Equal(1))
			b.hear(b.records(0, 1))
			b.showRealtime()
			Expect(live()).To(Equal(2))
		})

		It("flushes the record files at an interval", func() {
			b := newFixture(testRun(1))
			b.pass(3 * time.Second)
			Expect(b.lines.flushes).To(BeNumerically("~", 3, 1))
		})
	})

	Describe("when a record file fails", func() {
		It("goes on without it, and the result says that it is partial", func() {
			b := newFixture(testRun(1))
			b.lines.failAt = 2
			b.hear(b.records(0, 0, 1, 2), b.phaseEnd(0, 3), end)
			b.answer(nil)
			p := b.result()
			Expect(p.SuccessfulRequestCount).To(BeEquivalentTo(3))
			Expect(p.Errors).To(HaveLen(1))
			Expect(p.Errors[0].Details).To(And(HaveKeyWithValue("fatal", true), HaveKeyWithValue("exporter", "memory")))
			Expect(p.ErrorSummary).To(HaveLen(1))
			Expect(b.lines.closed).To(Equal(1))
		})
	})

	Describe("when making the result fails", func() {
		It("hands in a result that says so, with its counts", func() {
			b := newFixture(testRun(1))
			b.hear(b.records(0, 0), b.phaseEnd(0, 1), end)
			b.store = nil // as a fault in a formula would
			b.answer(nil)
			p := b.result()
			Expect(p).NotTo(BeNil())
			Expect(p.IsComplete).To(BeFalse())
			Expect(p.Records).To(BeEmpty())
			Expect(p.SuccessfulRequestCount).To(BeEquivalentTo(1))
			Expect(p.Errors[len(p.Errors)-1].Details).To(HaveKeyWithValue("fatal", true))
			Expect(p.Quality.Verdict).To(Equal(metrics.VerdictInvalid))
		})
	})
})
