package calibrate

import (
	"bytes"
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/exporters"
	"aiperf/metrics"
)

// machine is a made-up one: it measures truly up to a load, but for some attempts.
type machine struct {
	upTo       float64
	disturbed  map[int]bool // attempts, from 0
	brokenFrom float64      // loads whose runs fail altogether
	asked      []float64
}

func (m *machine) measure(_ context.Context, _ string, load float64) (config.CalibrationRung, error) {
	attempt := len(m.asked)
	m.asked = append(m.asked, load)
	if m.brokenFrom > 0 && load >= m.brokenFrom {
		return config.CalibrationRung{}, errors.New("no ports left")
	}
	r := config.CalibrationRung{Load: load, Delivered: load, LatencyErrorMS: &metrics.Spread{P50: 0.1, P99: 1}}
	if load > m.upTo || m.disturbed[attempt] {
		r.Delivered = load / 2
	}
	return r, nil
}

func climbed(m *machine, p Plan, rungs int) (config.CalibrationLadder, error) {
	done := 0
	c := climber{runner: m, done: func(string, config.CalibrationRung) { done++ }, timeIsUp: func() bool { return done >= rungs }}
	l, err := c.climb(context.Background(), p)
	if err == nil {
		Expect(done).To(Equal(len(l.Rungs)), "each rung is told once")
	}
	return l, err
}

var _ = Describe("climbing", func() {
	loads := []float64{100, 200, 400, 800}
	DescribeTable("ends where the machine does", func(m *machine, refine bool, rungs int, asked []float64, most, failed float64, ended string) {
		l, err := climbed(m, Plan{Kind: Requests, Unit: "requests/s", Loads: loads, Refine: refine}, rungs)
		Expect(err).NotTo(HaveOccurred())
		Expect(m.asked).To(Equal(asked))
		Expect(l.Max).To(Equal(most))
		Expect(l.FailedAt).To(Equal(failed))
		Expect(l.Ended).To(ContainSubstring(ended))
	},
		Entry("never: what lies above the top is unknown", &machine{upTo: 1000}, true, 99, loads, 800.0, 0.0, "highest load"),
		Entry("a bad load is measured twice", &machine{upTo: 200}, false, 99, []float64{100, 200, 400, 400}, 200.0, 400.0, "delivered 50.0 %"),
		Entry("one disturbance ends nothing", &machine{upTo: 1000, disturbed: map[int]bool{1: true}}, false, 99, []float64{100, 200, 200, 400, 800}, 800.0, 0.0, "highest load"),
		Entry("refined, and the middle holds", &machine{upTo: 300}, true, 99, []float64{100, 200, 400, 400, 280}, 280.0, 400.0, "delivered 50.0 %"),
		Entry("refined, and the middle fails too", &machine{upTo: 250}, true, 99, []float64{100, 200, 400, 400, 280}, 200.0, 280.0, "delivered 50.0 %"),
		Entry("the first load already: nothing to refine", &machine{upTo: 50}, true, 99, []float64{100, 100}, 0.0, 100.0, "delivered 50.0 %"),
		Entry("time is up below the top: the rest is unknown", &machine{upTo: 1000}, true, 2, []float64{100, 200}, 200.0, 0.0, "time was up"),
		Entry("time is up at a bad load: no second try, no refining", &machine{upTo: 200}, true, 3, []float64{100, 200, 400}, 200.0, 400.0, "delivered 50.0 %"),
		Entry("no time at all", &machine{upTo: 1000}, true, 0, []float64(nil), 0.0, 0.0, "time was up"),
	)

	It("stops altogether when a run fails", func() {
		_, err := climbed(&machine{upTo: 1000, brokenFrom: 400}, Plan{Loads: loads}, 99)
		Expect(err).To(MatchError("no ports left"))
	})

	DescribeTable("distrusts", func(change func(r *config.CalibrationRung), want string) {
		r := config.CalibrationRung{Load: 100, Delivered: 97, TTFTErrorMS: &metrics.Spread{P50: 0.5, P99: 5}, LatencyErrorMS: &metrics.Spread{P50: 0.5, P99: 5}}
		change(&r)
		if got := trouble(Plan{}, r); want == "" {
			Expect(got).To(BeEmpty())
		} else {
			Expect(got).To(ContainSubstring(want))
		}
	},
		Entry("nothing that lies on its bounds", func(*config.CalibrationRung) {}, ""),
		Entry("nothing that has no errors to show", func(r *config.CalibrationRung) { r.TTFTErrorMS, r.LatencyErrorMS = nil, nil }, ""),
		Entry("missing load", func(r *config.CalibrationRung) { r.Delivered = 96.9 }, "delivered 96.9 %"),
		Entry("a late median", func(r *config.CalibrationRung) { r.TTFTErrorMS.P50 = 0.51 }, "time to first token is off by 0.51 ms at the median"),
		Entry("a median before its time", func(r *config.CalibrationRung) { r.LatencyErrorMS.P50 = -0.6 }, "latency is off by -0.60 ms"),
		Entry("a late arrival", func(r *config.CalibrationRung) { r.ArrivalErrorMS = &metrics.Spread{P50: 0.1, P99: 7} }, "arrival is off by 7.00 ms"),
		Entry("a late tail", func(r *config.CalibrationRung) { r.LatencyErrorMS.P99 = 5.01 }, "99th percentile"),
	)
})

var _ = Describe("the ladders", func() {
	It("grow, in both forms", func() {
		for _, quick := range []bool{true, false} {
			for _, p := range Plans(quick) {
				for i := 1; i < len(p.Loads); i++ {
					Expect(p.Loads[i]).To(BeNumerically(">", p.Loads[i-1]))
				}
			}
		}
	})
	It("make the load of a number of streams, and back", func() {
		for i, load := range eventLoads(25, 100, 1600) {
			Expect(shapeOf(Events, load, false).streams).To(Equal([]int{25, 100, 1600}[i]))
		}
	})
	It("keep every stream open until the last has begun", func() {
		for _, n := range []float64{10, 250, 8000} {
			s := shapeOf(Streams, n, false)
			life := s.ttft + time.Duration(s.osl-1)*s.itl
			Expect(life.Seconds()).To(BeNumerically(">", max(0.8, n/2000)))
			Expect(s.ttft).To(BeNumerically(">", 0))
		}
	})
	It("finds the middle of two loads", func() {
		Expect(between(4000, 8000)).To(Equal(5700.0))
		Expect(between(1, 2)).To(BeNumerically("~", 1.4, 1e-9))
	})
})

var _ = Describe("a calibration for people", func() {
	It("shows each rung, and in words how far the machine goes", func() {
		cpu, other := 41.26, 3.0
		cal := &config.Calibration{
			Machine: config.Machine{CPU: "EPYC", Cores: 8}, ServerCores: []int{0, 1}, OtherLoadPct: &other,
			Requests: config.CalibrationLadder{Unit: "requests/s", Max: 500, FailedAt: 1000, Ended: "delivered 90.0 % of the load", Rungs: []config.CalibrationRung{
				{Load: 500, Delivered: 499.6, LatencyErrorMS: &metrics.Spread{P50: 0.031, P99: 0.4}, CPUMicros: &cpu}, {Load: 1000, Delivered: 900, Trouble: "delivered 90.0 % of the load"},
			}},
			Events:  config.CalibrationLadder{Unit: "events/s", Max: 33898, Ended: "time was up", Rungs: []config.CalibrationRung{{Load: 33898, Delivered: 33800, Streams: 400}}},
			Streams: config.CalibrationLadder{Unit: "streams", Ended: "time was up"},
		}
		c := exporters.NewConsole(exporters.ConsoleOptions{Width: 140})
		Render(c, cal)
		var b bytes.Buffer
		_, err := c.WriteTo(&b)
		Expect(err).NotTo(HaveOccurred())
		for _, want := range []string{
			"│        500 │       500 │ 99.9 │", "0.03 / 0.40", "41.3", "33,898", "400",
			"requests/s: up to 500; not 1,000 (delivered 90.0 % of the load)", "events/s: at least 33,898 (time was up)", "streams: not measured (time was up)",
			"EPYC, 8 cores, 2 of them the server's own, other programs used 3 %",
		} {
			Expect(b.String()).To(ContainSubstring(want))
		}
		Expect(b.String()).NotTo(ContainSubstring("Arrival error"), "a column without a value")
		Expect(b.String()).To(MatchRegexp(`900 │ 90.0 .* no │`))
	})
})

var _ = DescribeTable("keeping a calibration", func(other *float64, fine bool) {
	err := Usable(&config.Calibration{OtherLoadPct: other})
	Expect(err == nil).To(Equal(fine))
},
	Entry("of a quiet machine", new(float64), true),
	Entry("of one that does not tell", nil, true),
	Entry("not of a busy one", func() *float64 { v := 60.0; return &v }(), false),
)

var _ = Describe("choosing cores", func() {
	It("shares what is scarce", func() {
		Expect(serverCores([]int{0, 1})).To(BeEmpty())
		Expect(serverCores(nil)).To(BeEmpty())
	})
	It("gives the server a quarter of many", func() {
		list := []int{2, 3, 4, 5, 8, 9, 10, 11}
		mine := serverCores(list)
		Expect(mine).To(Equal([]int{2, 3}))
		Expect(without(list, mine)).To(Equal([]int{4, 5, 8, 9, 10, 11}))
	})
})
