package timing

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/messages"
)

var _ = Describe("the loss of a worker", func() {
	burst := func(p config.Phase) []config.Phase {
		p.Type = config.TypeConcurrency
		return []config.Phase{profiling(p)}
	}

	It("ends the run by itself when one of two is killed, with a record for each of its credits", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(200), Concurrency: ptr(8)})})
		w.at(100*time.Millisecond, func() { w.kill("worker_a", "") })
		w.run()
		c := w.final(0)
		Expect(c.Stats.LostRequests).To(BeEquivalentTo(4))
		Expect(c.Stats.RequestErrors).To(BeEquivalentTo(4))
		Expect(c.Stats.RequestsCompleted).To(BeEquivalentTo(200))
		lost := w.lostRecords()
		Expect(lost).To(HaveLen(4))
		for _, r := range lost {
			Expect(r.Error.Type).To(Equal("WorkerLost"))
			Expect(r.Error.Code).To(BeNil())
			Expect(r.Error.Message).To(Equal("worker worker_a was ended by SIGKILL"))
			Expect(r.Metadata.WorkerID).To(Equal("worker_a"))
			Expect(r.Metadata.RequestStartNS).To(BeNumerically(">", 0))
			Expect(r.Metadata.RequestEndNS).To(BeNumerically(">=", r.Metadata.RequestStartNS))
			Expect(r.Metadata.PhaseIndex).To(Equal(0))
			Expect(r.Metadata.BenchmarkPhase).To(Equal("profiling"))
		}
		Expect(w.complete.Error).To(BeNil())
		last := w.onRecord[len(w.onRecord)-1]
		Expect(last.MessageType()).To(Equal("credit_phase_complete"), "the border comes behind the records")
	})

	It("changes nothing when a lost credit returns late", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(50), Concurrency: ptr(4)})})
		var late []messages.CreditReturn
		w.at(50*time.Millisecond, func() {
			for key := range w.workers["worker_a"].open {
				late = append(late, messages.CreditReturn{CreditKey: key, RecordEmitted: true})
			}
			w.kill("worker_a", "")
		})
		w.at(60*time.Millisecond, func() {
			before := w.phase().snapshot()
			w.e.takeReturns(w.now, "worker_a", late)
			Expect(w.phase().snapshot()).To(Equal(before))
		})
		w.run()
		Expect(w.final(0).Stats.RequestsCompleted).To(BeEquivalentTo(50))
		Expect(w.e.late).To(BeEquivalentTo(2))
	})

	It("ends its sessions, whose unsent turns leave the session target", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Sessions: ptr(10), Concurrency: ptr(4)}), data: turnsOf{turns: []int{5}, delayMS: 10}})
		w.at(65*time.Millisecond, func() { w.kill("worker_a", "worker_c") })
		w.run()
		s := w.final(0).Stats
		Expect(s.SentSessions).To(BeEquivalentTo(10))
		Expect(s.CancelledSessions).To(BeEquivalentTo(2))
		Expect(s.CompletedSessions).To(BeEquivalentTo(8))
		Expect(s.TotalSessionTurns).To(Equal(s.RequestsSent))
		Expect(s.RequestsSent).To(BeNumerically("<", 50))
		used := map[string]bool{}
		for _, d := range w.sent {
			used[d.worker] = true
		}
		Expect(used).To(HaveKey("worker_c"), "the replacement is given work")
	})

	It("lets sessions without local history go on elsewhere", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Sessions: ptr(10), Concurrency: ptr(4)}), data: turnsOf{turns: []int{5}, delayMS: 10}, migrate: true})
		w.at(65*time.Millisecond, func() { w.kill("worker_a", "") })
		w.run()
		s := w.final(0).Stats
		Expect(s.CompletedSessions).To(BeEquivalentTo(10))
		Expect(s.RequestsSent).To(BeEquivalentTo(50))
	})

	It("is fatal when none is left and none is coming", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(1000), Concurrency: ptr(4)})})
		w.at(100*time.Millisecond, func() { w.kill("worker_a", "") })
		w.at(200*time.Millisecond, func() { w.kill("worker_b", "") })
		w.run()
		Expect(w.complete.Error.Message).To(ContainSubstring("every worker has ended"))
		c := w.final(0)
		Expect(c.Stats.RequestsSent).To(Equal(c.Stats.RequestsCompleted + c.Stats.RequestsCancelled))
		Expect(w.now.Sub(epoch)).To(BeNumerically("<", time.Second))
	})

	It("is fatal when too few are left for too long, and only then", func() {
		run := func(replacement string) *world {
			settings := quickSettings
			settings.minAlive, settings.staleTime = 0.5, 2*time.Second
			w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(8), DurationSec: ptr(10.0), GracePeriodSec: 5})},
				workers: []string{"worker_a", "worker_b", "worker_c"}, settings: settings})
			w.at(time.Second, func() { w.kill("worker_a", "") })
			w.at(3*time.Second, func() { w.kill("worker_b", replacement) })
			w.run()
			return w
		}
		w := run("")
		Expect(w.complete.Error.Message).To(Equal("1 of 3 workers are alive, fewer than 2, for 2s (AIPERF_WORKER_MIN_ALIVE_FRACTION, AIPERF_WORKER_STALE_TIME)"))
		Expect(w.now.Sub(epoch)).To(BeNumerically("~", 5*time.Second, 200*time.Millisecond))
		Expect(run("worker_d").complete.Error).To(BeNil())
	})

	It("waits for the replacement of the only one, and moves the schedule meanwhile", func() {
		w := newWorld(scenario{workers: []string{"worker_a"}, phases: []config.Phase{profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(100.0), Requests: ptr(100)})}})
		w.at(500*time.Millisecond, func() { w.kill("worker_a", "worker_b") })
		w.run()
		s := w.final(0).Stats
		Expect(s.RequestsSent).To(BeEquivalentTo(100))
		Expect(s.Reanchors).To(BeEquivalentTo(1))
		Expect(w.complete.Error).To(BeNil())
	})

	It("fails when the replacement never becomes ready, naming the setting", func() {
		w := newWorld(scenario{workers: []string{"worker_a"}, phases: burst(config.Phase{Requests: ptr(1000)})})
		w.at(100*time.Millisecond, func() {
			w.workers["worker_a"].dead = true
			w.e.workerDied(w.now, "worker_a", "ended with exit code 1", "worker_b")
		})
		w.run()
		Expect(w.complete.Error.Message).To(ContainSubstring("AIPERF_SERVICE_START_TIMEOUT"))
	})

	It("does not take back a worker that was lost", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(100), Concurrency: ptr(2)})})
		w.at(50*time.Millisecond, func() { w.kill("worker_a", "") })
		w.at(100*time.Millisecond, func() { w.e.workerReady(w.now, "worker_a") })
		w.run()
		for _, d := range w.sent {
			if d.issued > epoch.Add(60*time.Millisecond) {
				Expect(d.worker).To(Equal("worker_b"))
			}
		}
	})

	It("is expected when a worker says goodbye: its returns are in", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(100), Concurrency: ptr(4)})})
		w.at(50*time.Millisecond, func() { w.e.workerPaused(w.now, "worker_a", "leaving") })
		w.at(90*time.Millisecond, func() { w.e.workerLeft(w.now, "worker_a") })
		w.run()
		s := w.final(0).Stats
		Expect(s.LostRequests).To(BeZero())
		Expect(s.RequestsCompleted).To(BeEquivalentTo(100))
		for _, d := range w.sent {
			if d.issued > epoch.Add(51*time.Millisecond) {
				Expect(d.worker).To(Equal("worker_b"))
			}
		}
	})

	It("ends a session whose turn the worker gave up by itself", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Sessions: ptr(3)}), data: turnsOf{turns: []int{4}}, migrate: true})
		for _, f := range w.workers {
			f.returns = func(w *world, f *fakeWorker, r messages.CreditReturn) {
				if r.ID == 1 {
					r.Cancelled, r.RecordEmitted = true, false
				}
				w.after(f.hop, func() { w.deliver(f, r) })
			}
		}
		w.run()
		s := w.final(0).Stats
		Expect(s.RequestsSent).To(BeEquivalentTo(2 + 4 + 4))
		Expect(s.CancelledSessions).To(BeEquivalentTo(1))
		Expect(s.CompletedSessions).To(BeEquivalentTo(2))
		Expect(w.final(0).NoRecord).To(Equal([][2]int64{{1, 1}}))
	})

	It("gets a record in the place of one that the worker could not make", func() {
		w := newWorld(scenario{phases: burst(config.Phase{Requests: ptr(3)})})
		for _, f := range w.workers {
			f.returns = func(w *world, f *fakeWorker, r messages.CreditReturn) {
				r.RecordEmitted, r.Error = false, "no record processor"
				w.after(f.hop, func() { w.deliver(f, r) })
			}
		}
		w.run()
		Expect(w.lostRecords()).To(HaveLen(3))
		Expect(w.lostRecords()[0].Error.Type).To(Equal("CreditProcessingError"))
		Expect(*w.lostRecords()[0].Error.Code).To(BeEquivalentTo(500))
		Expect(w.final(0).Stats.LostRequests).To(BeZero())
		Expect(w.final(0).NoRecord).To(BeEmpty())
	})
})
