package timing

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
)

// named gives a phase a name of its own.
func named(name string, p config.Phase) config.Phase {
	p.Name = name
	return p
}

// spanOf gives the instants at which a phase's requests were sent first and last.
func (w *world) spanOf(index int) (first, last clock.MonoNS) {
	for _, d := range w.sent {
		if d.PhaseIndex != index {
			continue
		}
		if first == 0 {
			first = d.sentAt
		}
		last = max(last, d.sentAt)
	}
	return first, last
}

var _ = Describe("several phases", func() {
	closed := func(concurrency, requests int) config.Phase {
		return config.Phase{Type: config.TypeConcurrency, Concurrency: &concurrency, Requests: &requests}
	}
	seamless := func(p config.Phase) config.Phase {
		p.Seamless = true
		return p
	}

	It("run in their order, each with its own numbers, and a cool-down behind them", func() {
		w := newWorld(scenario{phases: []config.Phase{
			named("caches", warmup(closed(2, 4))), named("pool", warmup(closed(3, 5))),
			named("baseline", profiling(closed(1, 6))), named("stress", profiling(closed(8, 30))),
			named("cool-down", warmup(closed(1, 3))),
		}})
		w.run()
		want := []int64{4, 5, 6, 30, 3}
		profilingIndex := []*int{nil, nil, ptr(0), ptr(1), nil}
		var end clock.WallNS
		for i, n := range want {
			s := w.final(i).Stats
			Expect(*s.FinalRequestsCompleted).To(Equal(n))
			Expect(s.ProfilingIndex).To(Equal(profilingIndex[i]))
			Expect(s.StartNS).To(BeNumerically(">=", end), "nothing of the phase before is under way")
			end = s.RequestsEndNS
		}
		perPhase := make([]int64, len(want))
		seen := map[messages.CreditKey]bool{}
		for _, d := range w.sent {
			Expect(d.ID).To(BeNumerically("<", want[d.PhaseIndex]), "ids begin at 0 in each phase")
			Expect(seen).NotTo(HaveKey(d.CreditKey))
			seen[d.CreditKey] = true
			Expect(d.PhaseName).To(Equal(w.final(d.PhaseIndex).Stats.PhaseName))
			perPhase[d.PhaseIndex]++
		}
		Expect(perPhase).To(Equal(want))
		var border []string
		for range want {
			border = append(border, "credit_phase_start", "credit_phase_sending_complete", "credit_phase_complete")
		}
		Expect(w.types()[1:]).To(Equal(border))
	})

	It("go on with the dataset where the phase before stopped", func() {
		w := newWorld(scenario{data: singleTurns(7), phases: []config.Phase{warmup(closed(1, 5)), profiling(closed(1, 4))}})
		w.run()
		Expect(w.sent[5].ConversationIndex).To(Equal(5))
		Expect(w.sent[8].ConversationIndex).To(Equal(1))
	})

	It("begin beside the last answers of the one before when they are seamless, without ever passing their own limit", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(closed(10, 40)), named("second", seamless(profiling(closed(4, 40))))}})
		w.service = func(c messages.Credit) time.Duration { return time.Duration(20+c.ID) * time.Millisecond }
		second := 0
		w.check = func() {
			if p := w.phase(); p != nil && p.stats.PhaseIndex == 1 {
				second = max(second, len(p.flights))
			}
			if len(w.e.phases) == 2 {
				Expect(w.e.openSlots).To(BeNumerically("<=", 10))
				if w.e.phases[1].stats.RequestsSent == 1 {
					Expect(w.e.openSlots).To(BeNumerically("<=", 4), "no slot until enough of the old ones are back")
				}
			}
		}
		w.run()
		before, after := w.final(0).Stats, w.final(1).Stats
		first, _ := w.spanOf(1)
		Expect(wallOf(first)).To(BeNumerically("<", before.RequestsEndNS), "the first request leaves before the last return")
		Expect(after.StartNS).To(Equal(before.SentEndNS))
		Expect([]int64{before.RequestsCompleted, after.RequestsCompleted}).To(Equal([]int64{40, 40}))
		Expect(second).To(Equal(4))
		Expect(w.types()).To(Equal([]string{
			"credit_phases_configured", "credit_phase_start", "credit_phase_sending_complete", "credit_phase_start",
			"credit_phase_complete", "credit_phase_sending_complete", "credit_phase_complete",
		}))
	})

	It("pass from an unlimited rate to a limit of sessions, and both end", func() {
		rate := config.Phase{Type: config.TypeConstant, RatePerSec: ptr(200.0), DurationSec: ptr(1.0), GracePeriodSec: 30}
		w := newWorld(scenario{phases: []config.Phase{profiling(rate), named("second", seamless(profiling(closed(3, 50))))}})
		w.service = func(messages.Credit) time.Duration { return 300 * time.Millisecond }
		w.run()
		Expect(w.complete.Error).To(BeNil())
		Expect(w.final(0).Stats.RequestsCompleted).To(BeNumerically("~", 200, 1))
		Expect(w.final(1).Stats.RequestsCompleted).To(BeEquivalentTo(50))
		Expect(w.final(1).Stats.StartNS).To(Equal(w.final(0).Stats.SentEndNS))
		first, _ := w.spanOf(1)
		Expect(wallOf(first).Sub(w.final(1).Stats.StartNS)).To(BeNumerically("~", 288*time.Millisecond, 15*time.Millisecond), "58 of 60 are waited for")
	})

	It("cancel their own requests alone when their grace is over", func() {
		timed := config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(5), DurationSec: ptr(1.0), GracePeriodSec: 0.5}
		w := newWorld(scenario{phases: []config.Phase{named("first", profiling(timed)), named("second", seamless(profiling(closed(8, 12))))}})
		w.service = func(c messages.Credit) time.Duration {
			if c.PhaseIndex == 0 && c.ID < 2 {
				return time.Minute
			}
			return 400 * time.Millisecond
		}
		w.run()
		first, second := w.final(0).Stats, w.final(1).Stats
		Expect(first.GracePeriodTimeoutTriggered).To(BeTrue())
		Expect(first.RequestsCancelled).To(BeEquivalentTo(2))
		Expect(first.RequestsEndNS.Sub(first.StartNS)).To(BeNumerically("~", 1500*time.Millisecond, 5*time.Millisecond))
		Expect(second.RequestsCompleted).To(BeEquivalentTo(12))
		Expect(second.RequestsCancelled).To(BeZero())
		Expect(w.complete.Error).To(BeNil())
	})

	It("let the slot of a session go that the stop has cut, for the seamless one that follows", func() {
		// Turn 0 of all is back soon but for one session's, whose answer takes long.
		w := newWorld(scenario{data: turnsOf{turns: []int{3}}, phases: []config.Phase{profiling(closed(4, 4)), named("second", seamless(profiling(closed(4, 12))))}})
		w.service = func(c messages.Credit) time.Duration {
			if c.PhaseIndex == 0 && c.ID == 0 {
				return 10 * time.Second
			}
			return 20 * time.Millisecond
		}
		w.run()
		Expect(w.final(1).Stats.RequestsEndNS).To(BeNumerically("<", w.final(0).Stats.RequestsEndNS))
		Expect(w.final(1).Stats.CompletedSessions).To(BeEquivalentTo(4-1), "the fourth session waits for the last slot")
	})

	It("lose a worker in each phase that has something there", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(closed(6, 12)), named("second", seamless(profiling(closed(12, 24))))}})
		w.service = func(c messages.Credit) time.Duration {
			if c.PhaseIndex == 0 && c.ID >= 6 {
				return 300 * time.Millisecond
			}
			return 100 * time.Millisecond
		}
		w.at(150*time.Millisecond, func() { w.kill("worker_a", "") })
		w.run()
		for i, sent := range []int64{12, 24} {
			s := w.final(i).Stats
			Expect(s.RequestsSent).To(Equal(sent))
			Expect(s.RequestsCompleted).To(Equal(sent))
			Expect(s.LostRequests).To(BeEquivalentTo(3))
		}
		lost := map[int]int{}
		for _, r := range w.lostRecords() {
			lost[r.Metadata.PhaseIndex]++
		}
		Expect(lost).To(Equal(map[int]int{0: 3, 1: 3}))
	})

	It("end together with the run when it is cancelled or fails, and none is left out", func() {
		for _, end := range []func(w *world){
			func(w *world) { w.e.cancel(w.now) },
			func(w *world) { w.e.fail(w.now, messages.NewError("Broken", "a plugin")) },
		} {
			w := newWorld(scenario{phases: []config.Phase{profiling(closed(5, 5)), named("second", seamless(profiling(closed(8, 1000)))), named("third", profiling(closed(1, 1)))}})
			w.service = func(messages.Credit) time.Duration { return time.Hour }
			w.at(time.Second, func() { end(w) })
			w.run()
			for i, sent := range []int64{5, 3} {
				s := w.final(i).Stats
				Expect(s.WasCancelled).To(Equal(w.e.cancelled))
				Expect(s.RequestsCancelled).To(Equal(sent))
			}
			Expect(w.final(2)).To(BeNil())
			Expect(w.e.openSlots).To(BeZero())
		}
	})

	It("keep the joins of a phase working that drains", func() {
		// A root of one turn, whose child waits for a child of its own.
		data := graphData([]int{1, 3, 1}, map[int][]dataset.Link{
			0: {{Turn: 0, Children: []int{1}, JoinAt: dataset.NoJoin}},
			1: {{Turn: 0, Children: []int{2}, JoinAt: 2}},
		})
		one := config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(1), Sessions: ptr(1)}
		w := newWorld(scenario{data: data, phases: []config.Phase{profiling(one), named("second", seamless(profiling(one)))}})
		w.service = func(c messages.Credit) time.Duration {
			if c.ConversationIndex == 2 {
				return time.Second
			}
			return 20 * time.Millisecond
		}
		w.run()
		first, _ := w.spanOf(1)
		_, last := w.spanOf(0)
		Expect(first).To(BeNumerically("<", last))
		for i := range 2 {
			b := w.final(i).BranchStats
			Expect(b.ParentsSuspended).To(BeEquivalentTo(1))
			Expect(b.ParentsResumed).To(BeEquivalentTo(1))
			Expect(b.ChildrenCompleted).To(BeEquivalentTo(2))
			Expect(w.final(i).Stats.RequestsCompleted).To(BeEquivalentTo(5))
		}
	})

	Describe("with collectors", func() {
		requests := func(w *world) (out []*messages.PhaseBaselineRequest) {
			for _, m := range w.bus {
				if r, ok := m.(*messages.PhaseBaselineRequest); ok {
					out = append(out, r)
				}
			}
			return out
		}
		open := func(answerAfter time.Duration, phases ...config.Phase) *world {
			w := newWorld(scenario{phases: phases})
			w.e.collectors = map[string]struct{}{"gpu": {}, "other": {}}
			answered := 0
			w.check = func() {
				for asked := requests(w); answered < len(asked) && answerAfter > 0; answered++ {
					r := asked[answered]
					for i, id := range []string{"gpu", "other"} {
						w.after(time.Duration(i+1)*answerAfter, func() {
							w.e.baselineTaken(id, &messages.PhaseBaselineAck{PhaseID: r.PhaseID, Kind: r.Kind, Success: i == 0})
						})
					}
				}
			}
			return w
		}

		It("begin when all have a sample without any of their requests, and end when all have one with all of them", func() {
			w := open(50*time.Millisecond, warmup(closed(2, 4)), profiling(closed(2, 6)))
			w.run()
			asked := requests(w)
			Expect(asked).To(HaveLen(4))
			Expect([]string{asked[0].Kind, asked[1].Kind, asked[2].Kind, asked[3].Kind}).To(Equal([]string{"start", "end", "start", "end"}))
			Expect(asked[0].PhaseID).To(Equal(asked[1].PhaseID))
			Expect(asked[0].PhaseID).NotTo(Equal(asked[2].PhaseID))
			for i := range 2 {
				s := w.final(i).Stats
				first, _ := w.spanOf(i)
				Expect(s.BaselineStartNS).To(Equal(s.StartNS))
				Expect(wallOf(first)).To(BeNumerically(">=", s.BaselineStartNS))
				Expect(s.BaselineEndNS.Sub(s.RequestsEndNS)).To(Equal(100 * time.Millisecond))
			}
			Expect(w.final(0).Stats.StartNS).To(Equal(wallAt.Add(100 * time.Millisecond)))
			Expect(w.final(1).Stats.StartNS.Sub(w.final(0).Stats.BaselineEndNS)).To(Equal(100 * time.Millisecond))
		})

		It("wait for one that is silent no longer than two seconds, and for one that has died not at all", func() {
			w := open(0, profiling(closed(1, 1)))
			w.run()
			Expect(w.final(0).Stats.StartNS).To(Equal(wallAt.Add(2 * time.Second)))
			Expect(w.complete.Error).To(BeNil())

			w = open(0, profiling(closed(1, 1)))
			w.at(time.Second, func() {
				w.e.collectorGone("gpu")
				w.e.collectorGone("other")
			})
			w.run()
			Expect(w.final(0).Stats.StartNS).To(Equal(wallAt.Add(time.Second)))
		})

		It("go on beside a seamless one that has begun, and wait for none when they are cancelled", func() {
			w := open(50*time.Millisecond, profiling(closed(2, 6)), named("second", seamless(profiling(closed(2, 1000)))))
			w.at(time.Second, func() { w.e.cancel(w.now) })
			w.run()
			Expect(w.final(1).Stats.StartNS).To(Equal(w.final(0).Stats.SentEndNS), "no gap in the load")
			Expect(w.final(1).Stats.BaselineStartNS).To(BeZero())
			Expect(w.final(0).Stats.BaselineEndNS).To(BeNumerically(">", w.final(1).Stats.StartNS))
			Expect(w.now.Sub(epoch)).To(BeNumerically("~", time.Second, 20*time.Millisecond))
			Expect(w.final(1).Stats.WasCancelled).To(BeTrue())
		})
	})

	It("cannot begin seamlessly from nothing", func() {
		run := &config.Run{}
		run.Benchmark.Phases = []config.Phase{seamless(profiling(closed(1, 1)))}
		_, err := newPlans(run, plugins.Builtin(), dataset.NewSeeds(1))
		Expect(err).To(MatchError(ContainSubstring("phases[0] (profiling): seamless: there is no phase before it")))
	})
})
