package timing

import (
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

var _ = Describe("an open-loop phase", func() {
	constant := func(rate float64, p config.Phase) []config.Phase {
		p.Type, p.RatePerSec = config.TypeConstant, &rate
		return []config.Phase{profiling(p)}
	}

	It("sends 999 or 1000 requests in 10 s at 100/s, each 10 ms after the one before", func() {
		w := newWorld(scenario{phases: constant(100, config.Phase{DurationSec: ptr(10.0), GracePeriodSec: 30})})
		w.run()
		Expect(len(w.sent)).To(BeNumerically("~", 1000, 1))
		for i, d := range w.sent {
			Expect(d.ScheduledNS).To(Equal(wallAt + clock.WallNS(time.Duration(i+1)*10*time.Millisecond)))
			Expect(d.sentAt).To(Equal(epoch.Add(time.Duration(i+1)*10*time.Millisecond)), "the instant is met exactly")
			Expect(d.IssuedAtNS).To(Equal(d.ScheduledNS))
		}
		s := w.final(0).Stats
		Expect(s.TimeoutTriggered).To(BeTrue())
		Expect(s.SentEndNS).To(Equal(wallAt + clock.WallNS(10*time.Second)))
		Expect(s.LostTicks).To(BeZero())
		Expect(s.Reanchors).To(BeZero())
	})

	It("issues a tick the lead before it is due, and no more than a moment earlier", func() {
		w := newWorld(scenario{phases: constant(10000, config.Phase{Requests: ptr(5000)})})
		w.run()
		for _, d := range w.sent[100:] {
			Expect(d.sentAt.Sub(d.issued)).To(BeNumerically("~", 5500*time.Microsecond, 510*time.Microsecond))
		}
		Expect(w.passes).To(BeNumerically("<", 5000*3), "passes take several ticks at high rates")
	})

	It("keeps its send times, however slow the server and whatever the number of workers", func() {
		times := func(service time.Duration, workers ...string) []clock.MonoNS {
			w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypePoisson, RatePerSec: ptr(200.0), Requests: ptr(500)})}, workers: workers, seed: 42})
			w.service = func(messages.Credit) time.Duration { return service }
			w.run()
			var out []clock.MonoNS
			for _, d := range w.sent {
				out = append(out, d.sentAt)
			}
			return out
		}
		want := times(time.Millisecond, "worker_a")
		Expect(times(20*time.Second, "worker_a", "worker_b", "worker_c")).To(Equal(want))
	})

	It("does not change a profiling phase by putting a warmup in front of it", func() {
		gaps := func(phases ...config.Phase) []time.Duration {
			w := newWorld(scenario{phases: phases, seed: 7})
			w.run()
			var out []time.Duration
			start := w.final(len(phases) - 1).Stats.StartNS
			for _, d := range w.sent {
				if d.Phase == config.KindProfiling {
					out = append(out, d.ScheduledNS.Sub(start))
				}
			}
			return out
		}
		p := config.Phase{Type: config.TypePoisson, RatePerSec: ptr(100.0), Requests: ptr(50)}
		alone := gaps(profiling(p))
		Expect(alone).To(HaveLen(50))
		Expect(gaps(warmup(p), profiling(p))).To(Equal(alone))
	})

	It("loses ticks at the concurrency ceiling and counts them", func() {
		// 2 slots, 100 ms each: at most 20/s of the 100/s asked for.
		w := newWorld(scenario{phases: constant(100, config.Phase{DurationSec: ptr(5.0), Concurrency: ptr(2), GracePeriodSec: 30})})
		w.service = func(messages.Credit) time.Duration { return 100 * time.Millisecond }
		w.check = func() {
			if w.phase() != nil {
				Expect(w.phase().slots.held).To(BeNumerically("<=", 2))
			}
		}
		w.run()
		s := w.final(0).Stats
		Expect(s.RequestsSent).To(BeNumerically("~", 91, 10))
		Expect(s.RequestsSent+s.LostTicks).To(BeNumerically("~", 500, 3), "every tick is either used or lost")
		Expect(s.Reanchors).To(BeZero())
	})

	It("uses a slot that frees between the lead and the due instant", func() {
		// One slot; a request is over 2 ms before the next tick is due, after its lead.
		w := newWorld(scenario{phases: constant(100, config.Phase{Requests: ptr(100), Concurrency: ptr(1)})})
		w.service = func(messages.Credit) time.Duration { return 8 * time.Millisecond }
		w.run()
		Expect(w.final(0).Stats.LostTicks).To(BeZero())
		for i, d := range w.sent {
			Expect(d.sentAt).To(Equal(epoch.Add(time.Duration(i+1) * 10 * time.Millisecond)))
		}
	})

	It("does not burst after a stall of two seconds", func() {
		w := newWorld(scenario{phases: constant(1000, config.Phase{Requests: ptr(4000)})})
		w.runFor(time.Second)
		before := len(w.sent)
		w.now = w.now.Add(2 * time.Second) // nothing ran for two seconds
		stalledUntil := w.now
		w.e.advance(w.now)
		Expect(len(w.sent)-before).To(BeNumerically("<=", 10+6), "the catch-up window and the lead")
		w.run()
		s := w.final(0).Stats
		Expect(s.Reanchors).To(BeEquivalentTo(1))
		Expect(s.RequestsSent).To(BeEquivalentTo(4000))
		within := 0
		for _, d := range w.sent[before:] {
			if d.sentAt <= stalledUntil.Add(10*time.Millisecond) {
				within++
			}
		}
		Expect(within).To(BeNumerically("<=", 12))
	})

	It("makes up for a short stall at once, within the window", func() {
		w := newWorld(scenario{phases: constant(1000, config.Phase{Requests: ptr(2000)})})
		w.runFor(time.Second)
		w.now = w.now.Add(12 * time.Millisecond) // 5 of it were the lead
		w.run()
		s := w.final(0).Stats
		Expect(s.Reanchors).To(BeZero())
		Expect(w.sent[1999].ScheduledNS).To(Equal(wallAt + clock.WallNS(2*time.Second)))
	})

	It("gives continuations priority and lets them use ticks", func() {
		w := newWorld(scenario{phases: constant(100, config.Phase{Sessions: ptr(20)}), data: turnsOf{turns: []int{3}}})
		w.run()
		Expect(w.sent).To(HaveLen(60))
		for i := range w.sent[1:] {
			Expect(w.sent[i+1].ScheduledNS.Sub(w.sent[i].ScheduledNS)).To(BeNumerically(">=", 10*time.Millisecond))
		}
		s := w.final(0).Stats
		Expect(s.CompletedSessions).To(BeEquivalentTo(20))
		Expect(s.TotalSessionTurns).To(BeEquivalentTo(60))
	})

	It("fails the phase when the pattern panics, and finishes in order", func() {
		w := newWorld(scenario{phases: constant(100, config.Phase{Requests: ptr(100)})})
		w.e.plans[0].pattern = &panicking{after: 10}
		l := newLoop(w.e, func() clock.MonoNS { return w.now }, nil)
		for range 10000 {
			if l.advance(); w.e.done {
				break
			}
			w.now = w.now.Add(time.Millisecond)
			for len(w.events) > 0 && w.events[0].at <= w.now {
				fn := w.events[0].fn
				w.events.popFirst()
				l.deliver(func(*engine, clock.MonoNS) { fn() })
			}
		}
		Expect(w.complete).NotTo(BeNil())
		Expect(w.complete.Error.Message).To(ContainSubstring("the pattern is broken"))
		Expect(w.complete.WasCancelled).To(BeFalse())
		Expect(w.final(0).Stats.FinalRequestsSent).NotTo(BeNil())
		Expect(w.types()).To(Equal([]string{"credit_phases_configured", "credit_phase_start", "credit_phase_sending_complete", "credit_phase_complete"}))
		Expect(l.finished).To(BeClosed())
	})
})

type panicking struct{ after int }

func (p *panicking) Next() time.Duration {
	if p.after--; p.after < 0 {
		panic("the pattern is broken")
	}
	return time.Duration(10-p.after) * 10 * time.Millisecond
}

var _ = Describe("a closed-loop phase", func() {
	burst := func(p config.Phase) []config.Phase {
		p.Type = config.TypeConcurrency
		return []config.Phase{profiling(p)}
	}

	DescribeTable("keeps exactly its concurrency in flight", func(workers []string) {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(200), Concurrency: ptr(8)}), workers: workers})
		peak := int64(0)
		w.check = func() {
			if p := w.phase(); p != nil && p.state == sending {
				peak = max(peak, p.stats.InFlight())
				Expect(p.stats.InFlight()).To(BeNumerically("==", 8))
			}
		}
		w.run()
		Expect(peak).To(BeEquivalentTo(8))
		Expect(w.final(0).Stats.RequestsCompleted).To(BeEquivalentTo(200))
		Expect(w.passes).To(BeNumerically("<", 800), "it sleeps while the slots are taken")
	},
		Entry("with one worker", []string{"worker_a"}),
		Entry("with two", []string{"worker_a", "worker_b"}),
		Entry("with more workers than slots", []string{"w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12", "w13", "w14", "w15", "w16"}),
	)

	It("has one slot when none is given, and no scheduled time", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(5)})})
		w.run()
		for i := range w.sent[1:] {
			Expect(w.sent[i+1].issued).To(BeNumerically(">", w.sent[i].sentAt))
		}
		Expect(w.sent[0].ScheduledNS).To(BeZero())
		Expect(w.sent[0].IssuedAtNS).To(Equal(wallOf(w.sent[0].issued)))
	})

	It("stops in the middle of sessions at a request count", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(50), Concurrency: ptr(4)}), data: turnsOf{turns: []int{3}}})
		w.run()
		s := w.final(0).Stats
		Expect(w.sent).To(HaveLen(50))
		Expect(*s.FinalRequestsSent).To(BeEquivalentTo(50))
		Expect(s.RequestsCompleted).To(BeEquivalentTo(50))
	})

	It("finishes its sessions at a session count", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Sessions: ptr(20), Concurrency: ptr(4)}), data: turnsOf{turns: []int{3}}})
		w.run()
		Expect(w.sent).To(HaveLen(60))
		Expect(w.final(0).Stats.CompletedSessions).To(BeEquivalentTo(20))
	})

	It("sends all turns of a session to one worker, each after the previous return and its delay", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Sessions: ptr(30), Concurrency: ptr(5)}), data: turnsOf{turns: []int{1, 4, 2}, delayMS: 150}})
		w.service = func(c messages.Credit) time.Duration { return time.Duration(10+c.ID%7) * time.Millisecond }
		w.run()
		last := map[string]delivery{}
		for _, d := range w.sent {
			if before, ok := last[d.XCorrelationID]; ok {
				Expect(d.worker).To(Equal(before.worker))
				Expect(d.TurnIndex).To(Equal(before.TurnIndex + 1))
				back := before.sentAt.Add(w.service(before.Credit))
				Expect(d.sentAt.Sub(back)).To(BeNumerically(">=", 150*time.Millisecond))
			} else {
				Expect(d.TurnIndex).To(BeZero())
			}
			Expect(d.NumTurns).To(Equal([]int{1, 4, 2}[d.ConversationIndex]))
			last[d.XCorrelationID] = d
		}
	})

	It("goes on with a session whose turn failed", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Sessions: ptr(4), Concurrency: ptr(2)}), data: turnsOf{turns: []int{3}}})
		w.outcome = func(c messages.Credit) string {
			if c.TurnIndex == 1 {
				return "500 Internal Server Error"
			}
			return ""
		}
		w.run()
		s := w.final(0).Stats
		Expect(s.RequestsSent).To(BeEquivalentTo(12))
		Expect(s.RequestErrors).To(BeEquivalentTo(4))
		Expect(s.CompletedSessions).To(BeEquivalentTo(4))
	})

	It("gives each session one of the URLs, in turn", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Sessions: ptr(6)}), data: turnsOf{turns: []int{2}}, urls: 3})
		w.run()
		var urls []int
		for _, d := range w.sent {
			urls = append(urls, d.URLIndex)
		}
		Expect(urls).To(Equal([]int{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2}))
		one := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(1)}), urls: 1})
		one.run()
		Expect(one.sent[0].URLIndex).To(Equal(-1))
	})

	It("cancels what is in flight when duration and grace are over", func() {
		w := newWorld(scenario{phases: burst(config.Phase{DurationSec: ptr(5.0), GracePeriodSec: 1, Concurrency: ptr(3)})})
		w.service = func(messages.Credit) time.Duration { return 30 * time.Second }
		w.run()
		c := w.final(0)
		Expect(w.now.Sub(epoch)).To(BeNumerically("~", 6*time.Second, 10*time.Millisecond))
		Expect(c.Stats.GracePeriodTimeoutTriggered).To(BeTrue())
		Expect(c.Stats.TimeoutTriggered).To(BeTrue())
		Expect(*c.Stats.FinalRequestsCancelled).To(BeEquivalentTo(3))
		Expect(c.Stats.CancelledSessions).To(BeEquivalentTo(3))
		Expect(c.NoRecord).To(BeEmpty(), "they were started, so they have records")
	})

	It("waits for every response with infinite grace", func() {
		w := newWorld(scenario{phases: burst(config.Phase{DurationSec: ptr(1.0), GraceInfinite: true, Concurrency: ptr(3)})})
		w.service = func(messages.Credit) time.Duration { return time.Hour }
		w.run()
		Expect(w.final(0).Stats.RequestsCompleted).To(BeEquivalentTo(3))
		Expect(w.final(0).Stats.GracePeriodTimeoutTriggered).To(BeFalse())
	})

	It("closes credits as lost that do not come back after their cancel", func() {
		w := newWorld(scenario{phases: burst(config.Phase{DurationSec: ptr(1.0), Concurrency: ptr(4)})})
		w.service = func(messages.Credit) time.Duration { return time.Hour }
		w.workers["worker_a"].deaf = true
		w.run()
		s := w.final(0).Stats
		Expect(w.now.Sub(epoch)).To(BeNumerically("~", 11*time.Second, 10*time.Millisecond))
		Expect(s.LostRequests).To(BeEquivalentTo(2))
		Expect(s.RequestsCancelled).To(BeEquivalentTo(2))
		Expect(s.RequestErrors).To(BeEquivalentTo(2))
		Expect(w.lostRecords()).To(HaveLen(2))
	})

	It("waits for cancelled credits as long as they keep coming back", func() {
		w := newWorld(scenario{phases: burst(config.Phase{DurationSec: ptr(1.0), Concurrency: ptr(20)})})
		w.service = func(messages.Credit) time.Duration { return time.Hour }
		queue := time.Duration(0)
		for _, f := range w.workers {
			f.returns = func(w *world, f *fakeWorker, r messages.CreditReturn) {
				queue += 3 * time.Second // each takes its time, all together longer than the bound
				w.after(queue, func() { w.deliver(f, r) })
			}
		}
		w.run()
		s := w.final(0).Stats
		Expect(s.LostRequests).To(BeZero())
		Expect(s.RequestsCancelled).To(BeEquivalentTo(20))
		Expect(w.now.Sub(epoch)).To(BeNumerically("~", 61*time.Second, 10*time.Millisecond))
	})

	It("waits no longer than the bound for a user who cancels", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(1000), Concurrency: ptr(20)})})
		w.service = func(messages.Credit) time.Duration { return time.Hour }
		queue := time.Duration(0)
		for _, f := range w.workers {
			f.returns = func(w *world, f *fakeWorker, r messages.CreditReturn) {
				queue += 3 * time.Second
				w.after(queue, func() { w.deliver(f, r) })
			}
		}
		w.at(time.Second, func() { w.e.cancel(w.now) })
		w.run()
		s := w.final(0).Stats
		Expect(w.now.Sub(epoch)).To(BeNumerically("~", 11*time.Second, 10*time.Millisecond))
		Expect(s.RequestsCancelled).To(BeEquivalentTo(3))
		Expect(s.LostRequests).To(BeEquivalentTo(17))
	})

	It("returns at once what is cancelled before its instant, without a record", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(1000.0), Requests: ptr(1000000)})}})
		w.at(500*time.Millisecond, func() { w.e.cancel(w.now) })
		w.run()
		c := w.final(0)
		Expect(c.Stats.WasCancelled).To(BeTrue())
		Expect(w.complete.WasCancelled).To(BeTrue())
		Expect(c.NoRecord).To(HaveLen(1), "what was issued ahead")
		Expect(c.NoRecord[0][1]).To(Equal(c.Stats.RequestsSent - 1))
		Expect(c.NoRecord[0][1] - c.NoRecord[0][0]).To(BeNumerically("~", 5, 2))
	})
})

var _ = Describe("the phases of a run", func() {
	It("come in order, with numbers from 0 and whole announcements", func() {
		w := newWorld(scenario{phases: []config.Phase{
			warmup(config.Phase{Type: config.TypeConcurrency, Requests: ptr(10), Concurrency: ptr(2)}),
			profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(20), Concurrency: ptr(2)}),
		}})
		w.run()
		Expect(w.types()).To(Equal([]string{
			"credit_phases_configured",
			"credit_phase_start", "credit_phase_sending_complete", "credit_phase_complete",
			"credit_phase_start", "credit_phase_sending_complete", "credit_phase_complete",
		}))
		var borders []string
		for _, m := range w.onRecord {
			borders = append(borders, m.MessageType())
		}
		Expect(borders).To(Equal([]string{"credit_phase_start", "credit_phase_complete", "credit_phase_start", "credit_phase_complete"}))
		Expect(w.sent[9].ID).To(BeEquivalentTo(9))
		Expect(w.sent[10].ID).To(BeZero())
		Expect(w.sent[9].ProfilingIndex).To(Equal(-1))
		Expect(w.sent[10].ProfilingIndex).To(Equal(0))
		Expect(w.sent[10].issued).To(BeNumerically(">", w.sent[9].sentAt), "the warmup's returns are in")
		Expect(w.sent[10].ConversationIndex).To(Equal(0), "10 of 10 conversations were used: the sampler goes on")
		Expect(w.complete.Error).To(BeNil())
		before := w.bus[len(w.bus)-2].(*messages.CreditPhaseProgress)
		Expect(before.Stats).To(Equal(w.final(1).Stats), "progress comes directly before the border")
	})

	It("publishes progress at the interval", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, DurationSec: ptr(9.0), GracePeriodSec: 30})}})
		w.run()
		n := 0
		for _, m := range w.bus {
			if m.MessageType() == "credit_phase_progress" {
				n++
			}
		}
		Expect(n).To(Equal(4 + 2))
	})

	It("waits for the first worker", func() {
		w := newWorld(scenario{notReady: true, phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(3)})}})
		w.at(12*time.Second, func() { w.e.workerReady(w.now, "worker_b") })
		w.run()
		Expect(w.final(0).Stats.StartNS).To(Equal(wallOf(epoch.Add(12 * time.Second))))
		Expect(w.sent).To(HaveLen(3))
	})

	It("fails when no worker comes, naming the setting, and leaves no phase open", func() {
		w := newWorld(scenario{notReady: true, phases: []config.Phase{
			warmup(config.Phase{Type: config.TypeConcurrency, Requests: ptr(3)}),
			profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(3)}),
		}})
		w.run()
		Expect(w.complete.Error.Message).To(ContainSubstring("AIPERF_SERVICE_START_TIMEOUT"))
		Expect(w.types()).To(Equal([]string{"credit_phases_configured", "credit_phase_start", "credit_phase_sending_complete", "credit_phase_complete"}))
		Expect(w.final(0).Stats.RequestsSent).To(BeZero())
		Expect(w.now.Sub(epoch)).To(Equal(30 * time.Second))
	})

	It("do not start after a cancel", func() {
		w := newWorld(scenario{phases: []config.Phase{
			warmup(config.Phase{Type: config.TypeConcurrency, Requests: ptr(1000)}),
			profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(3)}),
		}})
		w.at(time.Second, func() { w.e.cancel(w.now) })
		w.run()
		Expect(w.final(0).Stats.WasCancelled).To(BeTrue())
		Expect(w.final(1)).To(BeNil())
		Expect(w.complete.WasCancelled).To(BeTrue())
	})
})
