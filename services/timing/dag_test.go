package timing

import (
	"fmt"
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
)

// graphData is a dataset of conversations with branches.
func graphData(turns []int, branches map[int][]dataset.Link) turnsOf {
	g := &dataset.Graph{Branches: make([][]dataset.Link, len(turns)), Coordinators: map[int]*dataset.Coordinator{}}
	child := map[int]bool{}
	for i, links := range branches {
		g.Branches[i] = links
		for _, l := range links {
			for _, c := range l.Children {
				child[c] = true
			}
		}
	}
	for i := range turns {
		if !child[i] {
			g.Roots = append(g.Roots, i)
		}
	}
	return turnsOf{turns: turns, graph: g}
}

func sessionsOf(n int, p config.Phase) []config.Phase {
	p.Type, p.Sessions = config.TypeConcurrency, &n
	if p.Concurrency == nil {
		p.Concurrency = ptr(1)
	}
	return []config.Phase{profiling(p)}
}

var _ = Describe("conversations that branch", func() {
	const fork, spawn = true, false
	link := func(fork bool, turn, join int, children ...int) dataset.Link {
		return dataset.Link{Turn: turn, JoinAt: join, Fork: fork, Children: children}
	}
	// label is conversation.turn of a request.
	label := func(d delivery) string { return fmt.Sprintf("%s.%d", d.ConversationID[len("conv-"):], d.TurnIndex) }
	at := func(w *world, what string) delivery {
		GinkgoHelper()
		for _, d := range w.sent {
			if label(d) == what {
				return d
			}
		}
		Fail("no request " + what)
		return delivery{}
	}
	took := 20 * time.Millisecond
	ends := func(d delivery) clock.MonoNS { return d.sentAt.Add(took) }

	It("send a FORK's children when the last turn has returned, from the parent's worker, and count them apart", func() {
		w := newWorld(scenario{data: graphData([]int{2, 1, 2}, map[int][]dataset.Link{0: {link(fork, 1, dataset.NoJoin, 1, 2)}}), phases: sessionsOf(3, config.Phase{})})
		w.run()
		s := w.final(0)
		Expect(s.Stats.SentSessions).To(BeEquivalentTo(3), "children are no sessions of the phase")
		Expect(s.Stats.RequestsSent).To(BeEquivalentTo(3 * (2 + 1 + 2)))
		Expect(*s.Stats.FinalRequestsSent).To(Equal(s.Stats.RequestsSent))
		Expect(*s.BranchStats).To(Equal(messages.BranchStats{ChildrenSpawned: 6, ChildrenCompleted: 6}))
		for _, child := range []string{"1.0", "2.0"} {
			parent, c := at(w, "0.1"), at(w, child)
			Expect(parent.HasForks).To(BeTrue())
			Expect(at(w, "0.0").HasForks).To(BeFalse())
			Expect(c.sentAt).To(BeNumerically(">=", ends(parent)))
			Expect(c.worker).To(Equal(parent.worker))
			Expect(c.AgentDepth).To(Equal(1))
			Expect(c.ParentCorrelationID).To(Equal(parent.XCorrelationID))
			Expect(c.RootCorrelationID).To(Equal(parent.XCorrelationID))
			Expect(c.ParentTurn).To(Equal(1))
			Expect(c.IsFork()).To(BeTrue())
			Expect(c.XCorrelationID).NotTo(Equal(parent.XCorrelationID))
		}
	})

	It("let a SPAWN's parent go on, and wait at its join for all children", func() {
		// The child of turn 0 has three turns; the parent's turn 2 joins it, turn 1 does not.
		w := newWorld(scenario{data: graphData([]int{3, 3, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 2, 1, 2)}}), phases: sessionsOf(1, config.Phase{})})
		w.run()
		Expect(at(w, "0.1").sentAt).To(BeNumerically("<", ends(at(w, "1.0"))), "beside its children")
		Expect(at(w, "0.2").sentAt).To(BeNumerically(">=", ends(at(w, "1.2"))), "after the last of them")
		Expect(at(w, "1.0").BranchMode).To(Equal(messages.BranchSpawn))
		b := w.final(0).BranchStats
		Expect(*b).To(Equal(messages.BranchStats{ChildrenSpawned: 2, ChildrenCompleted: 2, ParentsSuspended: 1, ParentsResumed: 1}))
	})

	It("do not wait for children that ended before the join", func() {
		w := newWorld(scenario{data: graphData([]int{3, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 2, 1)}}), phases: sessionsOf(1, config.Phase{})})
		w.service = func(c messages.Credit) time.Duration {
			if c.AgentDepth > 0 {
				return time.Millisecond
			}
			return took
		}
		w.run()
		Expect(*w.final(0).BranchStats).To(Equal(messages.BranchStats{ChildrenSpawned: 1, ChildrenCompleted: 1}))
	})

	It("nest: a child's children know the root", func() {
		w := newWorld(scenario{data: graphData([]int{1, 1, 1}, map[int][]dataset.Link{0: {link(fork, 0, dataset.NoJoin, 1)}, 1: {link(fork, 0, dataset.NoJoin, 2)}}), phases: sessionsOf(2, config.Phase{})})
		w.run()
		d := at(w, "2.0")
		Expect(d.AgentDepth).To(Equal(2))
		Expect(d.ParentCorrelationID).To(Equal(at(w, "1.0").XCorrelationID))
		Expect(d.RootCorrelationID).To(Equal(at(w, "0.0").XCorrelationID))
		Expect(d.worker).To(Equal(at(w, "0.0").worker))
		Expect(w.final(0).BranchStats.ChildrenCompleted).To(BeEquivalentTo(4))
	})

	It("send pre-session children once, before any turn 0, and for nobody", func() {
		w := newWorld(scenario{data: graphData([]int{1, 1, 1}, map[int][]dataset.Link{0: {link(spawn, dataset.PreSession, dataset.NoJoin, 2)}}), phases: sessionsOf(6, config.Phase{})})
		w.run()
		Expect(label(w.sent[0])).To(Equal("2.0"))
		Expect(w.sent[0].ParentCorrelationID).To(BeEmpty())
		Expect(w.sent[0].AgentDepth).To(Equal(1))
		Expect(w.final(0).Stats.RequestsSent).To(BeEquivalentTo(7))
	})

	It("use no slot and no tick", func() {
		rate := 10.0
		w := newWorld(scenario{data: graphData([]int{1, 1, 1, 1}, map[int][]dataset.Link{0: {link(fork, 0, dataset.NoJoin, 1, 2, 3)}}), phases: []config.Phase{profiling(config.Phase{
			Type: config.TypeConstant, RatePerSec: &rate, Concurrency: ptr(1), Sessions: ptr(20),
		})}})
		w.run()
		for _, d := range w.sent {
			if d.AgentDepth == 0 {
				Expect(d.ScheduledNS).NotTo(BeZero())
			} else {
				Expect(d.ScheduledNS).To(BeZero())
			}
		}
		s := w.final(0).Stats
		Expect(s.RequestsSent).To(BeEquivalentTo(80))
		Expect(s.LostTicks).To(BeZero())
	})

	It("end at the request cap: what a cap refuses is counted, and nothing hangs", func() {
		w := newWorld(scenario{data: graphData([]int{1, 1, 1, 1}, map[int][]dataset.Link{0: {link(fork, 0, dataset.NoJoin, 1, 2, 3)}}),
			phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(1), Requests: ptr(2)})}})
		w.run()
		s := w.final(0)
		Expect(s.Stats.RequestsSent).To(BeEquivalentTo(2))
		Expect(s.BranchStats.ChildrenTruncated).To(BeEquivalentTo(2))
		Expect(s.BranchStats.ChildrenCompleted).To(BeEquivalentTo(1))
	})

	It("refuse a join after the duration", func() {
		w := newWorld(scenario{data: graphData([]int{2, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 1, 1)}}), phases: []config.Phase{profiling(config.Phase{
			Type: config.TypeConcurrency, Concurrency: ptr(1), DurationSec: ptr(0.03), GraceInfinite: true,
		})}})
		w.run()
		b := w.final(0).BranchStats
		Expect([]int64{b.ChildrenSpawned, b.ParentsSuspended, b.ParentsResumed, b.JoinsSuppressed}).To(Equal([]int64{1, 1, 0, 1}))
	})

	It("count a failed child as done", func() {
		w := newWorld(scenario{data: graphData([]int{2, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 1, 1)}}), phases: sessionsOf(1, config.Phase{})})
		w.outcome = func(c messages.Credit) string {
			if c.AgentDepth > 0 {
				return "500 Internal Server Error"
			}
			return ""
		}
		w.run()
		b := w.final(0).BranchStats
		Expect([]int64{b.ChildrenErrored, b.ChildrenCompleted, b.ParentsResumed}).To(Equal([]int64{1, 0, 1}))
	})

	It("end their whole tree with the first failed child where that is asked for, and no other tree", func() {
		// 0 starts 1 and 2 beside itself and joins them at its end; 1 starts 3 and 4 and joins them.
		data := graphData([]int{3, 2, 1, 2, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 2, 1, 2)}, 1: {link(spawn, 0, 1, 3, 4)}})
		settings := quickSettings
		settings.failFast = true
		w := newWorld(scenario{data: data, phases: sessionsOf(2, config.Phase{}), settings: settings})
		failed := false
		w.service = func(c messages.Credit) time.Duration {
			if c.ConversationIndex == 2 || c.ConversationIndex == 4 {
				return time.Second // a sibling, and the failed child's own
			}
			return took
		}
		w.outcome = func(c messages.Credit) string {
			if c.ConversationIndex == 3 && !failed {
				failed = true
				return "500 Internal Server Error"
			}
			return ""
		}
		w.run()
		s, b := w.final(0).Stats, w.final(0).BranchStats
		Expect(*b).To(Equal(messages.BranchStats{
			ChildrenSpawned: 8, ChildrenErrored: 4, ChildrenCompleted: 4,
			ParentsSuspended: 4, ParentsResumed: 2, ParentsFailedDueToChildError: 2,
		}))
		Expect(s.RequestsCancelled).To(BeEquivalentTo(2), "the siblings' requests under way")
		Expect(s.CancelledSessions).To(BeEquivalentTo(1))
		Expect(s.CompletedSessions).To(BeEquivalentTo(1))
		// The whole second tree, and of the first 0.0, 0.1, 1.0, 2.0, 3.0, 4.0.
		Expect(s.RequestsSent).To(BeEquivalentTo(9 + 6))
		Expect(w.final(0).CutSessions).To(BeEmpty(), "no worker was lost")
		Expect(w.e.openSlots).To(BeZero())
	})

	Describe("that send nothing themselves", func() {
		rounds := func(thinkMS ...float64) turnsOf {
			branches := map[int][]dataset.Link{}
			for i := range thinkMS {
				branches[0] = append(branches[0], link(spawn, i, i+1, 1, 2))
			}
			data := graphData([]int{len(thinkMS) + 1, 1, 2}, branches)
			data.graph.Coordinators[0] = &dataset.Coordinator{ThinkMS: thinkMS}
			return data
		}

		It("start each round when the one before is over, after their pause, and count as sessions alone", func() {
			w := newWorld(scenario{data: rounds(10, 0, 100), phases: sessionsOf(2, config.Phase{})})
			w.run()
			s, b := w.final(0).Stats, w.final(0).BranchStats
			Expect(s.RequestsSent).To(BeEquivalentTo(2 * 3 * (1 + 2)))
			Expect(*s.FinalRequestsSent).To(Equal(s.RequestsSent))
			Expect(s.SentSessions).To(BeEquivalentTo(2))
			Expect(s.CompletedSessions).To(BeEquivalentTo(2))
			Expect(*b).To(Equal(messages.BranchStats{
				ChildrenSpawned: 12, ChildrenCompleted: 12, ParentsSuspended: 6, ParentsResumed: 6, GraphsAdmitted: 2, GraphsCompletedToEnd: 2,
			}))
			ids := map[int64]bool{}
			for _, d := range w.sent {
				Expect(d.ConversationID).NotTo(Equal("conv-0"))
				Expect(d.AgentDepth).To(Equal(1))
				ids[d.ID] = true
			}
			Expect(ids).To(HaveLen(18), "ids number requests, without a hole")
			// A round takes two turns of 20 ms and their hops.
			var begins []time.Duration
			for _, d := range w.sent[:9] {
				if label(d) == "1.0" {
					begins = append(begins, d.sentAt.Sub(epoch))
				}
			}
			Expect(begins[0]).To(BeNumerically("~", 10*time.Millisecond, time.Millisecond))
			Expect(begins[1]).To(BeNumerically("~", 50*time.Millisecond, time.Millisecond))
			Expect(begins[2]).To(BeNumerically("~", 190*time.Millisecond, time.Millisecond))
		})

		It("keep their slot as long as children go on, and do not count against the request cap", func() {
			w := newWorld(scenario{data: rounds(0), phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(2), Requests: ptr(30)})}})
			w.check = func() {
				if p := w.phase(); p != nil {
					Expect(len(p.flights)).To(BeNumerically("<=", 4), "two sessions of two children each")
				}
			}
			w.run()
			Expect(w.final(0).Stats.RequestsSent).To(BeEquivalentTo(30))
		})

		It("draw their pauses anew for each session and round, the same for a seed", func() {
			begins := func(seed uint64) (out []time.Duration) {
				data := rounds(100, 100)
				data.graph.Coordinators[0].Sigma = 1
				data.graph.Coordinators[0].MaxMS = ptr(300.0)
				w := newWorld(scenario{data: data, phases: sessionsOf(3, config.Phase{}), seed: seed})
				w.run()
				for _, d := range w.sent {
					if label(d) == "1.0" {
						out = append(out, d.sentAt.Sub(epoch))
					}
				}
				return out
			}
			first := begins(7)
			Expect(first).To(HaveLen(6))
			Expect(begins(7)).To(Equal(first))
			Expect(begins(8)).NotTo(Equal(first))
			gaps := map[time.Duration]bool{}
			for i := 1; i < len(first); i++ {
				gap := first[i] - first[i-1]
				gaps[gap] = true
				Expect(gap).To(BeNumerically("<", 345*time.Millisecond))
			}
			Expect(len(gaps)).To(BeNumerically(">=", 4))
		})

		It("end with the duration, and in the middle of a pause", func() {
			w := newWorld(scenario{data: rounds(0, 60_000), phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(1), DurationSec: ptr(1.0), GracePeriodSec: 5})}})
			w.run()
			Expect(w.now.Sub(epoch)).To(BeNumerically("~", time.Second, 50*time.Millisecond))
			Expect(w.final(0).Stats.RequestsSent).To(BeEquivalentTo(3))
			Expect(w.e.openSlots).To(BeZero())
		})

		It("are passed over by a warmup, which is refused where there is nothing else", func() {
			data := graphData([]int{2, 1, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 1, 1)}})
			data.graph.Coordinators[0] = &dataset.Coordinator{}
			warm := warmup(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(1), Requests: ptr(4)})
			w := newWorld(scenario{data: data, phases: append([]config.Phase{warm}, sessionsOf(2, config.Phase{})...)})
			w.run()
			for _, d := range w.sent[:4] {
				Expect(label(d)).To(Equal("2.0"))
			}
			run := &config.Run{}
			run.Benchmark.Phases = []config.Phase{warm}
			run.Benchmark.Dataset.Sampling = "sequential"
			_, err := newLoad(run, plugins.Builtin(), rounds(0), false)
			Expect(err).To(MatchError(ContainSubstring("the dataset has orchestrators alone, and a warmup starts none of their sessions")))
		})
	})

	It("send roots alone in a warmup", func() {
		phases := append([]config.Phase{warmup(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(1), Sessions: ptr(2)})}, sessionsOf(2, config.Phase{})...)
		w := newWorld(scenario{data: graphData([]int{2, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 1, 1)}}), phases: phases})
		w.run()
		Expect(w.final(0).BranchStats).To(BeNil())
		Expect(w.final(0).Stats.RequestsSent).To(BeEquivalentTo(4))
		Expect(w.final(1).Stats.RequestsSent).To(BeEquivalentTo(6))
	})

	It("lose a fork with the worker that holds its history, while a spawned child goes elsewhere", func() {
		w := newWorld(scenario{data: graphData([]int{3, 2, 1}, map[int][]dataset.Link{0: {link(spawn, 0, 2, 1)}, 1: {link(fork, 1, dataset.NoJoin, 2)}}), phases: sessionsOf(8, config.Phase{Concurrency: ptr(4)})})
		w.at(30*time.Millisecond, func() { w.kill("worker_a", "worker_c") })
		w.run()
		s := w.final(0)
		b := s.BranchStats
		Expect(s.Stats.CompletedSessions + s.Stats.CancelledSessions).To(BeEquivalentTo(8))
		Expect(s.Stats.CancelledSessions).To(BeNumerically(">", 0))
		Expect(s.CutSessions).NotTo(BeEmpty())
		Expect(b.ChildrenSpawned).To(Equal(b.ChildrenCompleted + b.ChildrenErrored + b.ChildrenTruncated))
	})
})

// randomGraph is any forest: conversations start only ones with a higher number.
func randomGraph(rng *rand.Rand, turns []int) turnsOf {
	branches := map[int][]dataset.Link{}
	forked := map[int]bool{}
	for i := range turns[:len(turns)-1] {
		for turn := range turns[i] {
			if rng.IntN(3) > 0 {
				continue
			}
			l := dataset.Link{Turn: turn, JoinAt: dataset.NoJoin}
			if rng.IntN(3) == 0 {
				l.Fork, l.Background = true, turn < turns[i]-1
			} else if turn < turns[i]-1 && rng.IntN(2) == 0 {
				l.JoinAt = turn + 1 + rng.IntN(turns[i]-turn-1)
			}
			for range 1 + rng.IntN(3) {
				c := i + 1 + rng.IntN(len(turns)-i-1)
				if l.Fork && forked[c] {
					continue
				}
				forked[c] = forked[c] || l.Fork
				l.Children = append(l.Children, c)
			}
			branches[i] = append(branches[i], l)
		}
	}
	data := graphData(turns, branches)
	for i := range turns[:len(turns)-1] {
		if len(branches[i]) > 0 && rng.IntN(4) == 0 { // sends nothing itself
			data.graph.Coordinators[i] = &dataset.Coordinator{ThinkMS: []float64{float64(rng.IntN(50))}, Sigma: float64(rng.IntN(2))}
		}
	}
	return data
}

var _ = Describe("whatever happens to conversations that branch", func() {
	It("every credit ends exactly once, no child is forgotten, and the run ends", func() {
		for seed := range uint64(200) {
			By(fmt.Sprintf("seed %d", seed))
			c := newChaosOf(seed, true)
			c.w.run()
			expect(c.w.complete != nil, "no end was announced")
			expect(c.w.now.Sub(epoch) < 3*time.Minute, "the run took %s", c.w.now.Sub(epoch))
			c.books()
			for i := range c.phases {
				done := c.w.final(i)
				if done == nil || done.BranchStats == nil {
					continue
				}
				b := done.BranchStats
				if done.Stats.WasCancelled || c.w.complete.Error != nil || done.Stats.GracePeriodTimeoutTriggered {
					continue // what was in flight is not counted as either
				}
				expect(b.ChildrenSpawned <= b.ChildrenCompleted+b.ChildrenErrored+b.ChildrenTruncated, "children are forgotten: %+v", *b)
				expect(b.ParentsResumed <= b.ParentsSuspended, "%+v", *b)
			}
		}
	})
})
