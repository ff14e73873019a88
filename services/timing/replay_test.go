package timing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/plugins"
)

var _ = Describe("a fixed schedule", func() {
	fixed := func(p config.Phase) []config.Phase {
		p.Type = config.TypeFixedSchedule
		return []config.Phase{profiling(p)}
	}
	trace := func(times ...[]float64) turnsOf {
		d := turnsOf{timesMS: times}
		for _, t := range times {
			d.turns = append(d.turns, len(t))
		}
		return d
	}
	// due are the instants of the requests, in the order of sending.
	due := func(w *world) (out []time.Duration) {
		for _, d := range w.sent {
			out = append(out, d.ScheduledNS.Sub(wallAt))
		}
		return out
	}
	const ms = time.Millisecond

	It("sends every request at its own time, whatever the order of the file", func() {
		w := newWorld(scenario{data: trace([]float64{900}, []float64{100.5}, []float64{500}, []float64{500}), phases: fixed(config.Phase{AutoOffset: true, Requests: ptr(4)})})
		w.run()
		Expect(due(w)).To(Equal([]time.Duration{0, 399500 * time.Microsecond, 399500 * time.Microsecond, 799500 * time.Microsecond}))
		for i, d := range w.sent[1:] {
			Expect(d.sentAt).To(Equal(epoch.Add(due(w)[i+1])), "the instant is met exactly")
		}
		Expect(w.sent[0].XCorrelationID).To(Equal("fixed-schedule-conv-1"))
		Expect(w.sent[1].ConversationID).To(Equal("conv-2"), "equal times keep the order of the file")
		Expect(w.final(0).Stats.FinalRequestsSent).To(HaveValue(BeEquivalentTo(4)))
	})

	DescribeTable("has a window and a start of its own", func(p config.Phase, want ...time.Duration) {
		p.Requests = ptr(100)
		w := newWorld(scenario{data: trace([]float64{0}, []float64{100}, []float64{200}, []float64{300}), phases: fixed(p)})
		w.run()
		Expect(due(w)).To(Equal(want))
		Expect(w.e.done).To(BeTrue(), "the end of the trace is the end, though more was asked for")
	},
		Entry("as recorded", config.Phase{}, 0*ms, 100*ms, 200*ms, 300*ms),
		Entry("from the first time on", config.Phase{AutoOffset: true, StartOffsetMS: ptr(100.0)}, 0*ms, 100*ms, 200*ms),
		Entry("from a start", config.Phase{StartOffsetMS: ptr(150.0)}, 50*ms, 150*ms),
		Entry("both borders belong to it", config.Phase{StartOffsetMS: ptr(100.0), EndOffsetMS: ptr(200.0)}, 0*ms, 100*ms),
		Entry("twice as fast", config.Phase{Speedup: 2}, 0*ms, 50*ms, 100*ms, 150*ms),
		Entry("twice as fast from a start", config.Phase{Speedup: 2, StartOffsetMS: ptr(100.0)}, 0*ms, 50*ms, 100*ms),
	)

	It("gives later turns their times, else their delays, else sends them at once", func() {
		d := trace([]float64{0, 100, 5, -1})
		w := newWorld(scenario{data: d, phases: fixed(config.Phase{Requests: ptr(4)})})
		w.run() // an answer takes 20 ms
		Expect(due(w)[:3]).To(Equal([]time.Duration{0, 100 * ms, 5 * ms}))
		Expect(w.sent[2].sentAt.Sub(epoch)).To(BeNumerically("~", 120*ms, ms), "its time has gone by")
		Expect(due(w)[3]).To(BeNumerically("~", 140*ms, ms))
		d = trace([]float64{0, -1, -1})
		d.delayMS = 40
		w = newWorld(scenario{data: d, phases: fixed(config.Phase{Requests: ptr(3), Speedup: 2})})
		w.run()
		Expect(due(w)[1]).To(BeNumerically("~", 40*ms, ms), "a delay is as much shorter as the times")
		Expect(due(w)[2]).To(BeNumerically("~", 80*ms, ms))
	})

	It("keeps the concurrency: what is due waits in its order, and its lateness shows", func() {
		w := newWorld(scenario{data: trace([]float64{0}, []float64{1}, []float64{2}), phases: fixed(config.Phase{Requests: ptr(3), Concurrency: ptr(1)})})
		w.run()
		Expect(due(w)).To(Equal([]time.Duration{0, 1 * ms, 2 * ms}))
		for i, d := range w.sent {
			Expect(d.sentAt.Sub(epoch)).To(BeNumerically("~", time.Duration(i)*20*ms, ms))
		}
	})

	It("ends with its duration", func() {
		w := newWorld(scenario{data: trace([]float64{0}, []float64{100}, []float64{5000}), phases: fixed(config.Phase{DurationSec: ptr(1.0), GracePeriodSec: 1})})
		w.run()
		Expect(w.sent).To(HaveLen(2))
	})

	It("replays 10,000 rows to the nanosecond", func() {
		rng := rand.New(rand.NewPCG(1, 2))
		var times [][]float64
		var want []time.Duration
		for range 10_000 {
			at := float64(rng.IntN(60_000_000)) / 1000
			times, want = append(times, []float64{at}), append(want, time.Duration(at*1e6))
		}
		slices.Sort(want)
		w := newWorld(scenario{data: trace(times...), phases: fixed(config.Phase{Requests: ptr(10_000)})})
		w.run()
		got := due(w)
		slices.Sort(got)
		Expect(got).To(HaveLen(10_000))
		for i := range got {
			Expect(got[i]).To(BeNumerically("~", want[i], 1), "row %d", i)
		}
	})

	It("goes on when a worker is lost: the sessions that it had end, the trace does not", func() {
		w := newWorld(scenario{data: trace([]float64{0, 500}, []float64{10}, []float64{1000}), workers: []string{"worker_a"}, phases: fixed(config.Phase{Requests: ptr(4)})})
		w.at(200*ms, func() { w.kill("worker_a", "worker_b") })
		w.run()
		Expect(w.e.done).To(BeTrue())
		Expect(w.sent[len(w.sent)-1].ConversationID).To(Equal("conv-2"))
	})

	DescribeTable("needs times", func(d turnsOf, p config.Phase, want string) {
		run := &config.Run{}
		run.Benchmark.Phases = fixed(p)
		run.Benchmark.Dataset.Sampling = "sequential"
		_, err := newLoad(run, plugins.Builtin(), d, false)
		Expect(fmt.Sprint(err)).To(ContainSubstring(want))
	},
		Entry("none at all", turnsOf{turns: []int{1}}, config.Phase{Requests: ptr(1)}, "First turn of conv-0 missing timestamp_ms"),
		Entry("one without", trace([]float64{0}, []float64{-1}), config.Phase{Requests: ptr(1)}, "First turn of conv-1 missing timestamp_ms"),
		Entry("none in the window", trace([]float64{0}), config.Phase{Requests: ptr(1), StartOffsetMS: ptr(5.0)}, "No conversations with valid first-turn timestamps"),
	)
})
