package timing

import (
	"math"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/plugins/arrivals"
)

var _ = Describe("a ramp of a limit", func() {
	It("makes its steps when they are due and ends at its target", func() {
		r := limitRamp{10, 20, 20, 50}
		for _, c := range []struct {
			at    time.Duration
			limit int
			next  time.Duration
		}{{0, 1, 10}, {9, 1, 10}, {10, 2, 20}, {20, 4, 50}, {50, 5, math.MaxInt64}, {99, 5, math.MaxInt64}} {
			limit, next := r.at(c.at)
			Expect(limit).To(Equal(c.limit), "at %d", c.at)
			Expect(next).To(Equal(c.next), "at %d", c.at)
		}
		limit, _ := limitRamp{}.at(0)
		Expect(limit).To(Equal(1), "to 1 is over at once")
	})
})

var _ = Describe("a phase that begins gently", func() {
	It("can grow exponentially, and by chance", func() {
		for _, strategy := range []string{"exponential", "poisson"} {
			w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(10), ConcurrencyRamp: &config.Ramp{DurationSec: 9, Strategy: strategy}, DurationSec: ptr(12.0)})}})
			most := int64(0)
			w.check = func() {
				p := w.phase()
				if p == nil || p.state != sending || p.started == 0 {
					return
				}
				if at := w.now.Sub(p.started); strategy == "exponential" && at < 9*time.Second {
					Expect(p.stats.InFlight()).To(BeNumerically("<=", 1+int64(9*math.Pow(at.Seconds()/9, 2)+1e-9)))
				}
				most = max(most, p.stats.InFlight())
			}
			w.run()
			Expect(most).To(BeEquivalentTo(10))
		}
	})

	It("follows a series of rates, behind a ramp to its beginning", func() {
		series := []messages.RatePoint{{Sec: 0, PerSec: 20}, {Sec: 10, PerSec: 20}, {Sec: 10, PerSec: 50}, {Sec: 20, PerSec: 10}}
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{
			Type: config.TypeConstant, RatePerSec: ptr(20.0), RateSeries: series, RateRamp: &config.Ramp{DurationSec: 5}, DurationSec: ptr(30.0), GracePeriodSec: 30,
		})}})
		w.run()
		in := func(from, to float64) (n int) {
			for _, d := range w.sent {
				if at := d.ScheduledNS.Sub(wallAt).Seconds(); at >= from && at < to {
					n++
				}
			}
			return n
		}
		Expect(in(0, 5)).To(BeNumerically("~", 50, 2))
		Expect(in(5, 15)).To(BeNumerically("~", 200, 1))
		Expect(in(15, 25)).To(BeNumerically("~", 300, 1))
		Expect(in(25, 30)).To(BeNumerically("~", 50, 1))
	})

	It("has k+1 sessions in flight after k seconds of a ramp from 1 to 10 in 9 s, and 10 from then on", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Concurrency: ptr(10), ConcurrencyRamp: &config.Ramp{DurationSec: 9}, DurationSec: ptr(12.0)})}})
		w.service = func(messages.Credit) time.Duration { return 70 * time.Millisecond }
		seen := map[int64]bool{}
		w.check = func() {
			p := w.phase()
			if p == nil || p.state != sending || p.started == 0 {
				return
			}
			want := min(10, 1+int64(w.now.Sub(p.started)/time.Second))
			Expect(p.stats.InFlight()).To(BeNumerically("~", want, 1), "at %s", w.now.Sub(p.started))
			Expect(p.stats.InFlight()).To(BeNumerically("<=", want))
			seen[p.stats.InFlight()] = true
		}
		w.run()
		Expect(seen).To(HaveKey(int64(10)))
		for n := range 9 {
			at := epoch.Add(time.Duration(n+1) * time.Second)
			fresh := 0
			for _, d := range w.sent {
				if d.issued == at {
					fresh++
				}
			}
			Expect(fresh).To(BeNumerically(">=", 1), "the slot of second %d is used at once", n+1)
		}
	})

	It("lets a rate come through its ceiling as the ceiling rises", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(100.0), Concurrency: ptr(5), ConcurrencyRamp: &config.Ramp{DurationSec: 4}, DurationSec: ptr(6.0), GracePeriodSec: 30})}})
		w.service = func(messages.Credit) time.Duration { return time.Second }
		w.check = func() {
			if p := w.phase(); p != nil && p.state == sending {
				Expect(p.slots.held).To(BeNumerically("<=", min(5, 1+int(w.now.Sub(p.started)/time.Second))))
			}
		}
		w.run()
		s := w.final(0).Stats
		Expect(s.RequestsSent).To(BeNumerically(">=", 15))
		Expect(s.RequestsSent + s.LostTicks).To(BeNumerically("~", 600, 2))
	})

	It("raises its rate along the ideal curve, to within one request", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(10.0), RateRamp: &config.Ramp{DurationSec: 30}, DurationSec: ptr(40.0), GracePeriodSec: 30})}})
		w.run()
		curve, err := arrivals.NewCurve([]arrivals.RatePoint{{Sec: 0, PerSec: 0}, {Sec: 30, PerSec: 10}})
		Expect(err).NotTo(HaveOccurred())
		inRamp := 0
		for i, d := range w.sent {
			at := d.sentAt.Sub(epoch)
			Expect(curve.Count(at.Seconds())).To(BeNumerically("~", float64(i+1), 1))
			if at <= 30*time.Second {
				inRamp++
			}
		}
		Expect(inRamp).To(BeNumerically("~", 149, 2))
		Expect(len(w.sent)).To(BeNumerically("~", 250, 2))
		Expect(w.final(0).Stats.Reanchors).To(BeZero())
		start := w.bus[0].(*messages.CreditPhasesConfigured).Configs[0]
		Expect(*start.RateRampSec).To(Equal(30.0))
	})

	It("sends the same instants whatever the workers, and starts from the warmup's end anew", func() {
		at := func(workers ...string) (out []clock.WallNS) {
			ramped := config.Phase{Type: config.TypeGamma, RatePerSec: ptr(50.0), Smoothness: ptr(2.0), RateRamp: &config.Ramp{DurationSec: 5}, Requests: ptr(100)}
			w := newWorld(scenario{phases: []config.Phase{warmup(ramped), profiling(ramped)}, workers: workers, seed: 3})
			w.run()
			for _, d := range w.sent {
				out = append(out, d.ScheduledNS)
			}
			return out
		}
		one := at("worker_a")
		Expect(one).To(HaveLen(200))
		Expect(at("worker_a", "worker_b", "worker_c")).To(Equal(one))
	})
})
