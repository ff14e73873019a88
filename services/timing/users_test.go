package timing

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/messages"
)

var _ = Describe("users who keep a pace", func() {
	conversations := func(turns ...int) turnsOf { return turnsOf{turns: turns} }
	load := func(n int, rate float64, p config.Phase) []config.Phase {
		p.Type, p.Users, p.RatePerSec, p.GracePeriodSec = config.TypeUserCentric, &n, &rate, 30
		return []config.Phase{profiling(p)}
	}
	// turnsSent are the instants at which each user's turns are due, from the start.
	turnsSent := func(w *world) map[string][]time.Duration {
		out := map[string][]time.Duration{}
		for _, d := range w.sent {
			out[d.XCorrelationID] = append(out[d.XCorrelationID], d.IssuedAtNS.Sub(wallAt))
		}
		return out
	}

	It("begin as if the load had gone on for long: 15 users, 1/s, 20 turns", func() {
		w := newWorld(scenario{data: conversations(20, 20, 20), phases: load(15, 1, config.Phase{DurationSec: ptr(14.5)})})
		w.run()
		var users, turns []string
		for i, d := range w.sent {
			Expect(d.TurnIndex).To(BeZero())
			Expect(d.IssuedAtNS).To(Equal(wallAt.Add(time.Duration(i) * time.Second)))
			if i > 0 { // the first is due at once, and has a way to go
				Expect(d.sentAt).To(Equal(epoch.Add(time.Duration(i)*time.Second)), "the instant is met exactly")
			}
			users, turns = append(users, strings.TrimPrefix(d.XCorrelationID, "0-")), append(turns, fmt.Sprint(d.NumTurns))
		}
		Expect(strings.Join(users, " ")).To(Equal("16 5 9 13 2 6 10 14 3 7 11 15 4 8 12"))
		Expect(strings.Join(turns, " ")).To(Equal("20 6 11 16 2 7 12 17 3 8 13 18 4 9 14"))
		Expect(w.final(0).Stats.FinalRequestsSent).To(HaveValue(BeEquivalentTo(15)))
	})

	DescribeTable("send at the rate together, and with equal gaps each", func(n, turns int, rate float64) {
		w := newWorld(scenario{data: conversations(turns, turns), phases: load(n, rate, config.Phase{Requests: ptr(600)})})
		w.run()
		Expect(w.sent).To(HaveLen(600))
		gap := time.Duration(float64(n) / rate * 1e9)
		for user, at := range turnsSent(w) {
			for i := 1; i < len(at); i++ {
				Expect(at[i]-at[i-1]).To(BeNumerically("~", gap, time.Nanosecond), user)
			}
		}
		last := w.sent[599].sentAt.Sub(epoch).Seconds()
		Expect(last).To(BeNumerically("~", 599/rate, float64(n)/rate), "600 requests at %g/s", rate)
	},
		Entry("15 users", 15, 20, 1.0),
		Entry("ages that would fall together", 12, 5, 4.0),
		Entry("one user", 1, 3, 2.0),
		Entry("two turns", 7, 2, 10.0),
		Entry("a rate that divides nothing", 9, 4, 7.0))

	It("are held up by their own late answers, and nobody else is", func() {
		w := newWorld(scenario{data: conversations(40, 40), phases: load(4, 4, config.Phase{DurationSec: ptr(10.0)})})
		w.service = func(c messages.Credit) time.Duration {
			if c.XCorrelationID == "0-5" && c.TurnIndex == 2 {
				return 2500 * time.Millisecond
			}
			return 20 * time.Millisecond
		}
		w.check = func() {
			if w.phase() == nil {
				return
			}
			busy := map[string]bool{}
			for _, f := range w.phase().flights {
				Expect(busy[f.credit.XCorrelationID]).To(BeFalse(), "a user has one request at a time")
				busy[f.credit.XCorrelationID] = true
			}
		}
		w.run()
		for user, at := range turnsSent(w) {
			for i := 1; i < len(at); i++ {
				want := time.Second
				if user == "0-5" && i == 3 {
					want = 2500 * time.Millisecond
				}
				Expect(at[i]-at[i-1]).To(BeNumerically("~", want, time.Millisecond), user)
			}
		}
	})

	It("never go beyond the end of a conversation, whatever the lengths", func() {
		data := conversations(2, 9, 3, 14, 1)
		w := newWorld(scenario{data: data, phases: load(6, 20, config.Phase{DurationSec: ptr(20.0)})})
		w.run()
		Expect(len(w.sent)).To(BeNumerically(">", 300))
		for _, d := range w.sent {
			Expect(d.NumTurns).To(BeNumerically("<=", data.turns[d.ConversationIndex]))
			Expect(d.TurnIndex).To(BeNumerically("<", d.NumTurns))
		}
	})

	It("wait for a session when there are fewer than users", func() {
		w := newWorld(scenario{data: conversations(4, 4), phases: load(8, 8, config.Phase{Requests: ptr(100), Concurrency: ptr(3)})})
		w.check = func() {
			if w.phase() != nil {
				Expect(w.phase().slots.held).To(BeNumerically("<=", 3))
			}
		}
		w.run()
		Expect(w.sent).To(HaveLen(100))
	})

	It("stop at a number of conversations, all of them finished", func() {
		w := newWorld(scenario{data: conversations(3, 5), phases: load(4, 10, config.Phase{Sessions: ptr(9)})})
		w.run()
		s := w.final(0).Stats
		Expect(s.SentSessions).To(BeEquivalentTo(9))
		Expect(s.CompletedSessions).To(BeEquivalentTo(9))
		Expect(s.RequestsSent).To(Equal(s.TotalSessionTurns))
	})

	It("are replaced although their worker was lost", func() {
		w := newWorld(scenario{data: conversations(6, 6), phases: load(4, 8, config.Phase{DurationSec: ptr(12.0)})})
		w.at(3*time.Second, func() { w.kill("worker_a", "worker_c") })
		w.run()
		Expect(w.final(0).Stats.RequestsSent).To(BeNumerically(">", 70))
		Expect(w.sent[len(w.sent)-1].sentAt.Sub(epoch)).To(BeNumerically(">", 11*time.Second))
	})

	It("leave the engine idle between two turns", func() {
		w := newWorld(scenario{data: conversations(20, 20), phases: load(15, 15, config.Phase{Requests: ptr(500)})})
		w.run()
		Expect(w.passes).To(BeNumerically("<", 500*4))
	})

	It("need conversations to go through", func() {
		plan := userPlan{n: 3, ratePerSec: 1}
		Expect(plan.measure(7, 4)).To(MatchError(ContainSubstring("at least 2 requests on average, and the dataset has 1.75")))
		Expect(plan.measure(10, 4)).To(Succeed())
		Expect(plan.sessionTurns).To(Equal(2), "half goes to the even one")
	})
})
