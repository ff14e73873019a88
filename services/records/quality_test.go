package records

import (
	"math"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// gentle is a rate that takes 10 s to get to its value.
var gentle = []messages.RatePoint{{Sec: 0, PerSec: 0}, {Sec: 10, PerSec: 10}}

var _ = DescribeTable("asked and delivered load",
	func(change func(p *phase), asked, delivered float64) {
		p := &phase{}
		p.stats.StartNS = startNS
		p.config.ArrivalPattern = "constant"
		p.config.RequestRate = ptr(10.0)
		p.window = window{firstStart: startNS, lastStart: startNS.Add(10 * time.Second), lastScheduled: startNS.Add(10 * time.Second), started: 101}
		change(p)
		a, d := load([]*phase{p})
		same := func(got *float64, want float64) {
			if math.IsNaN(want) {
				Expect(got).To(BeNil())
				return
			}
			Expect(got).NotTo(BeNil())
			Expect(*got).To(BeNumerically("~", want, 1e-9))
		}
		same(a, asked)
		same(d, delivered)
	},
	Entry("a kept schedule: 101 requests at 10/s begin 100 intervals", func(*phase) {}, 10.0, 10.0),
	Entry("the first request is due one gap after the phase's start: that gap misses nothing", func(p *phase) {
		p.stats.StartNS = startNS.Add(-100 * time.Millisecond)
	}, 10.0, 10.0),
	Entry("the last one comes 10 s late: half of it", func(p *phase) { p.window.lastStart = startNS.Add(20 * time.Second) }, 10.0, 5.0),
	Entry("lost ticks are not asked for", func(p *phase) { p.stats.LostTicks = 20; p.window.started = 81 }, 8.0, 8.0),
	Entry("no rate: only what was delivered", func(p *phase) { p.config.RequestRate = nil }, math.NaN(), 10.0),
	Entry("no request: nothing to say", func(p *phase) { p.window = window{} }, math.NaN(), math.NaN()),
	Entry("one request: nothing to divide by", func(p *phase) { p.window.started, p.window.lastStart = 1, startNS }, math.NaN(), math.NaN()),
	Entry("a duration bounds the time: sending stopped early", func(p *phase) {
		p.stats.TimeoutTriggered, p.stats.ExpectedDurationSec = true, ptr(20.0)
	}, 10.0, 101.0/20),
	Entry("a duration that was used to its end: the gap at each edge misses nothing", func(p *phase) {
		p.stats.StartNS = startNS.Add(-100 * time.Millisecond)
		p.stats.TimeoutTriggered, p.stats.ExpectedDurationSec = true, ptr(10.2)
	}, 10.0, 10.0),
	Entry("random arrivals: the schedule that was drawn was kept", func(p *phase) {
		p.config.ArrivalPattern = "poisson"
		p.window.lastScheduled, p.window.lastStart = startNS.Add(11*time.Second), startNS.Add(11*time.Second)
	}, 100.0/11, 100.0/11),
	Entry("random arrivals: the client was later than its schedule", func(p *phase) {
		p.config.ArrivalPattern = "poisson"
		p.window.lastScheduled, p.window.lastStart = startNS.Add(11*time.Second), startNS.Add(12*time.Second)
	}, 100.0/11, 100.0/12),
	Entry("random arrivals: chance does not explain half the load", func(p *phase) {
		p.config.ArrivalPattern = "poisson"
		p.window.lastScheduled, p.window.lastStart = startNS.Add(20*time.Second), startNS.Add(20*time.Second)
	}, 10.0, 5.0),
	Entry("random arrivals of a schedule that was moved are held against the rate", func(p *phase) {
		p.config.ArrivalPattern, p.stats.Reanchors = "poisson", 1
		p.window.lastScheduled, p.window.lastStart = startNS.Add(11*time.Second), startNS.Add(11*time.Second)
	}, 10.0, 100.0/11),
	Entry("a ramp: what its curve asks for between the first and the last request", func(p *phase) {
		p.config.RateCurve, p.window.started = gentle, 51 // 10 requests/s after 10 s: 50 on the way
	}, 5.0, 5.0),
	Entry("a ramp, and half of it is missing", func(p *phase) {
		p.config.RateCurve, p.window.started = gentle, 26
	}, 5.0, 2.5),
	Entry("random arrivals on a ramp: the schedule that was drawn was kept", func(p *phase) {
		p.config.RateCurve, p.config.ArrivalPattern, p.window.started = gentle, "poisson", 56
	}, 5.5, 5.5),
	Entry("users at a pace are held up by slow answers: only what was delivered", func(p *phase) {
		p.config.NumUsers = ptr(int64(3))
	}, math.NaN(), 10.0),
	Entry("a start that was never told is taken from the records", func(p *phase) { p.stats.StartNS = 0 }, 10.0, 10.0),
)

var _ = Describe("the wall clock's watch", func() {
	look := func(offsets ...time.Duration) int64 {
		var w clockWatch
		a := clock.Anchor{Wall: startNS, Mono: 1}
		w.start(a)
		now := startNS
		for _, offset := range offsets {
			now = now.Add(clockInterval)
			w.read = func() clock.Anchor {
				m := clock.MonoNS(1).Add(now.Sub(startNS))
				return clock.Anchor{Wall: a.WallAt(m).Add(offset), Mono: m}
			}
			w.look(now)
			w.look(now.Add(time.Millisecond)) // too early to look again
		}
		return w.steps
	}
	It("counts steps, both ways, each once", func() {
		Expect(look(0, 50*time.Millisecond, 50*time.Millisecond, 0)).To(BeEquivalentTo(2))
	})
	It("takes slewing for none", func() {
		Expect(look(500*time.Microsecond, time.Millisecond, 1500*time.Microsecond)).To(BeZero())
	})
})

var _ = Describe("worker load", func() {
	health := func(cpu float64) *messages.WorkerHealth { return &messages.WorkerHealth{CPUPeakUsage: cpu} }

	It("counts while requests are measured, and names who was too busy", func() {
		b := newFixture(testRun(2))
		b.onHealth("worker_start", health(100)) // still starting up
		b.hear(b.phaseStart(0))
		b.onHealth("worker_warm", health(99))
		b.onHealth("worker_warm", health(99)) // its peak is an old one from here on
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), b.phaseStart(1))
		b.onHealth("worker_warm", health(99))
		b.onHealth("worker_b", health(92))
		b.onHealth("worker_b", health(12))
		b.onHealth("worker_a", health(40))
		b.hear(b.records(1, 0), b.phaseEnd(1, 1), &messages.CreditsComplete{})
		b.answer(nil)
		q := b.result().Quality
		Expect(*q.WorkerCPUMaxPct).To(Equal(92.0))
		Expect(q.Verdict).To(Equal(metrics.VerdictDegraded))
		Expect(q.Reasons).To(HaveLen(1))
		Expect(q.Reasons[0]).To(ContainSubstring("worker_b"))
	})
})

var _ = Describe("the stamps of events", func() {
	It("are counted when they are shared, and steps of the clock once for all workers", func() {
		b := newFixture(testRun(1))
		events := func(n, coalesced int64) func(*messages.MetricRecord) {
			return func(r *messages.MetricRecord) { r.Metadata.EventCount, r.Metadata.CoalescedEvents = n, coalesced }
		}
		b.hear(b.phaseStart(0))
		b.hear(&messages.MetricRecords{Records: []messages.MetricRecord{b.record(0, 0, events(30, 10)), b.record(0, 1, events(10, 0)), b.record(0, 2)}})
		b.onHealth("worker_a", &messages.WorkerHealth{ClockSteps: 2})
		b.onHealth("worker_b", &messages.WorkerHealth{ClockSteps: 1})
		b.hear(b.phaseEnd(0, 3), &messages.CreditsComplete{})
		b.answer(nil)
		q := b.result().Quality
		Expect(*q.CoalescedEventPct).To(Equal(25.0))
		Expect(q.ClockSteps).To(BeEquivalentTo(2))
	})
})
