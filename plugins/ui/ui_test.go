package ui

import (
	"strings"
	"time"
	"unicode/utf8"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

const begin = clock.WallNS(1_735_689_600_000_000_000)

func envelope(m messages.Message) messages.Envelope {
	GinkgoHelper()
	frame, err := messages.Encode(nil, messages.Header{ServiceID: "timing_manager"}, m)
	Expect(err).NotTo(HaveOccurred())
	e, err := messages.Open(frame)
	Expect(err).NotTo(HaveOccurred())
	return e
}

func ptr[T any](v T) *T { return &v }

func profiling(done int64) messages.PhaseStats {
	return messages.PhaseStats{
		Phase: "profiling", PhaseName: "profiling", StartNS: begin, TotalExpectedRequests: ptr[int64](2000),
		RequestsSent: done + 4, RequestsCompleted: done,
	}
}

var _ = Describe("the simple view", func() {
	var out strings.Builder
	var view *Simple
	columns := 0

	open := func(terminal bool) {
		out.Reset()
		v, err := NewSimple(Config{
			Out: &out, Terminal: terminal, MinUpdatePercent: 1, Stats: true, Columns: func() int { return columns }, Log: func(text string) { view.Line("LOG " + text) },
		})
		Expect(err).NotTo(HaveOccurred())
		view = v.(*Simple)
		view.now = func() clock.WallNS { return begin.Add(10 * time.Second) }
	}

	It("draws one bar, with counts, share and times", func() {
		open(true)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		Expect(out.String()).To(Equal("Profiling: 500/2,000 |███████                       | 25% [00:10<00:30]"))
	})

	DescribeTable("never reaches the last column, where a terminal would break the line", func(width int, want string) {
		columns = width
		DeferCleanup(func() { columns = 0 })
		open(true)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		Expect(out.String()).To(Equal(want))
		Expect(utf8.RuneCountInString(out.String())).To(BeNumerically("<", width))
	},
		Entry("a wide one", 200, "Profiling: 500/2,000 |███████                       | 25% [00:10<00:30]"),
		Entry("a shorter bar", 60, "Profiling: 500/2,000 |████              | 25% [00:10<00:30]"),
		Entry("no times", 44, "Profiling: 500/2,000 |████            | 25%"),
		Entry("no bar", 27, "Profiling: 500/2,000 25%"),
		Entry("hardly anything", 12, "Profiling: "),
	)

	It("prints a line only every tenth of the way without a terminal", func() {
		open(false)
		for done := int64(0); done <= 2000; done += 20 {
			view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(done)}))
		}
		Expect(strings.Count(out.String(), "\n")).To(Equal(11))
	})

	It("takes the bar away for what others print", func() {
		open(true)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		bar := out.String()
		out.Reset()
		view.Above(func() { out.WriteString("a panel\n") })
		Expect(out.String()).To(Equal(blank(bar) + "a panel\n" + bar))
	})

	It("logs the figures of a live summary above the bar", func() {
		open(true)
		view.Message(envelope(&messages.CreditPhaseStart{Stats: profiling(0)}))
		view.Message(envelope(summary(20)))
		Expect(out.String()).To(ContainSubstring(" \rLOG [realtime 00:10 profiling]\n"))
	})

	It("redraws only when the progress has moved", func() {
		open(true)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		before := out.Len()
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(510)}))
		Expect(out.Len()).To(Equal(before), "half a percent is not worth it")
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(2000)}))
		Expect(out.String()).To(ContainSubstring("2,000/2,000"))
	})

	It("shows the share of time when the number of requests is open", func() {
		open(true)
		s := profiling(7)
		s.TotalExpectedRequests, s.ExpectedDurationSec = nil, ptr(40.0)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: s}))
		Expect(out.String()).To(HavePrefix("Profiling: 25% |"))
	})

	It("goes on to the grace period and to the records", func() {
		open(false)
		s := profiling(1990)
		s.SentEndNS = begin.Add(9 * time.Second)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: s}))
		Expect(out.String()).To(HavePrefix("Profiling Grace Period: 1,990/1,994"))
		r := messages.RecordStats{PhaseStats: s, SuccessRecords: 997}
		r.RequestsEndNS = begin.Add(10 * time.Second)
		view.Message(envelope(&messages.ProcessingStats{ProcessingStats: r}))
		Expect(out.String()).To(ContainSubstring("Processing Records: 997/1,994"))
	})

	It("follows the latest phase, by its name, while an earlier one waits for answers", func() {
		open(false)
		first, second := profiling(1990), profiling(200)
		first.SentEndNS = begin
		second.PhaseIndex, second.PhaseName = 1, "stress"
		third := second
		third.PhaseIndex, third.PhaseName = 2, "again"
		for _, s := range []messages.PhaseStats{first, second, first, second, third} {
			view.Message(envelope(&messages.CreditPhaseProgress{Stats: s}))
		}
		view.Message(envelope(&messages.ProcessingStats{ProcessingStats: messages.RecordStats{PhaseStats: first}}))
		var labels []string
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			label, _, _ := strings.Cut(line, ":")
			labels = append(labels, label)
		}
		Expect(labels).To(Equal([]string{"Profiling Grace Period", "Profiling stress", "Profiling again"}))
	})

	It("prints log lines above the bar and leaves a clean line", func() {
		open(true)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		bar := out.String()
		view.Line("look")
		view.Close()
		Expect(out.String()).To(Equal(bar + blank(bar) + "look\n" + bar + blank(bar)))
		Expect(out.String()).NotTo(ContainSubstring("\x1b"), "not even to erase the bar, where colour is not wanted")
	})

	It("lets the terminal erase the bar when colour is on", func() {
		open(true)
		view.cfg.Color = true
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		Expect(out.String()).To(ContainSubstring("|\x1b[32m███████  "))
		view.Close()
		Expect(out.String()).To(HaveSuffix("\r\x1b[2K"))
	})
})

// blank is how a bar goes away without escape sequences.
func blank(bar string) string {
	return "\r" + strings.Repeat(" ", utf8.RuneCountInString(bar)) + "\r"
}

var _ = Describe("the view without a picture", func() {
	var out strings.Builder
	var logged []string
	var view *None
	var now clock.WallNS

	open := func(c Config) {
		out.Reset()
		logged, now = nil, begin
		c.Out = &out
		c.Log = func(text string) { logged = append(logged, text) }
		v, err := NewNone(c)
		Expect(err).NotTo(HaveOccurred())
		view = v.(*None)
		view.now = func() clock.WallNS { return now }
	}

	It("logs that a phase begins and ends, and every tenth of its way", func() {
		open(Config{})
		view.Message(envelope(&messages.CreditPhaseStart{Stats: profiling(0)}))
		for done := int64(0); done < 2000; done += 10 {
			now = now.Add(time.Second)
			view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(done)}))
		}
		view.Message(envelope(&messages.CreditPhaseComplete{Stats: profiling(2000)}))
		Expect(logged[0]).To(Equal("profiling started: 2,000 requests"))
		Expect(logged[1]).To(Equal("profiling: 200/2,000 requests, 4 in flight, 0 errors"))
		Expect(logged[len(logged)-1]).To(Equal("profiling complete: 2,000/2,000 requests, 4 in flight, 0 errors"))
		Expect(logged).To(HaveLen(11))
	})

	It("reports the way of the latest phase alone", func() {
		open(Config{})
		first, second := profiling(1990), profiling(0)
		second.PhaseIndex, second.PhaseName = 1, "stress"
		view.Message(envelope(&messages.CreditPhaseStart{Stats: first}))
		view.Message(envelope(&messages.CreditPhaseStart{Stats: second}))
		logged = nil
		for done := int64(0); done < 2000; done += 10 {
			now = now.Add(time.Second)
			second.RequestsCompleted = done
			view.Message(envelope(&messages.CreditPhaseProgress{Stats: first}))
			view.Message(envelope(&messages.CreditPhaseProgress{Stats: second}))
		}
		Expect(logged).To(HaveLen(9))
		Expect(logged).To(HaveEach(HavePrefix("stress: ")))
	})

	DescribeTable("shows that a long warmup is alive", func(every time.Duration, lines int) {
		open(Config{WarmupEvery: every})
		s := messages.PhaseStats{Phase: "warmup", PhaseName: "warmup", StartNS: begin, TotalExpectedRequests: ptr[int64](1000), RequestsSent: 1}
		view.Message(envelope(&messages.CreditPhaseStart{Stats: s}))
		for range 100 {
			now = now.Add(time.Second)
			view.Message(envelope(&messages.CreditPhaseProgress{Stats: s}))
		}
		Expect(logged).To(HaveLen(lines))
	},
		Entry("at the interval of the settings", 30*time.Second, 1+3),
		Entry("or not at all", time.Duration(0), 1),
	)

	It("logs the figures of live summaries", func() {
		open(Config{Stats: true})
		view.Message(envelope(&messages.CreditPhaseStart{Stats: profiling(0)}))
		logged = nil
		now = begin.Add(49 * time.Second)
		view.Message(envelope(summary(641)))
		Expect(logged).To(Equal([]string{
			"[realtime 00:49 profiling]",
			"  rps=13.1 (avg 13.1)  tput_in=1,097,271/s  tput_out=10,441/s  done=641 ok=640 err=1",
			"  ttft    p50=   30ms  p75=   48ms  p95=   106ms  p99=   155ms",
			"  itl     p50=   <1ms  p75=    1ms  p95=     2ms  p99=     3ms",
			"  e2e     p50=      -  p75=      -  p95=       -  p99=       -",
			"  intvty  p50=      -  p75=      -  p95=       -  p99=       -  (1/tpot tok/s)",
			"  isl     p50= 83,675  p75= 83,676  p90=  83,677  p99=  83,678  (tokens)",
			"  tot     in=53,555,186  out=0",
		}))
		logged = nil
		now = now.Add(10 * time.Second)
		view.Message(envelope(summary(841)))
		Expect(logged[1]).To(HavePrefix("  rps=20.0 (avg 13.1)"), "since the last block")
	})

	It("keeps quiet about them when the interval is 0", func() {
		open(Config{})
		view.Message(envelope(summary(641)))
		Expect(logged).To(BeEmpty())
	})

	It("draws nothing", func() {
		open(Config{})
		view.Line("look")
		view.Close()
		Expect(out.String()).To(Equal("look\n"))
	})
})

// summary is a live summary after so many requests, one of which failed.
func summary(done float64) *messages.RealtimeMetrics {
	GinkgoHelper()
	ms := func(p50, p75, p95, p99 float64) metrics.Stats {
		return metrics.Stats{P50: &p50, P75: &p75, P95: &p95, P99: &p99}
	}
	scalar := func(tag string, v float64) metrics.Result {
		return metrics.Result{Tag: tag, Stats: metrics.Stats{Avg: &v}}
	}
	raw, err := msgpack.Marshal([]metrics.Result{
		scalar("completed_request_count", done), scalar("request_count", done-1), scalar("request_throughput", 13.08),
		scalar("input_token_throughput", 1097270.6), scalar("output_token_throughput", 10441),
		{Tag: "time_to_first_token", Stats: ms(30, 48, 106, 155)}, {Tag: "inter_token_latency", Stats: ms(0.4, 1, 2, 3)},
		{Tag: "input_sequence_length", Stats: metrics.Stats{P50: ptr(83675.0), P75: ptr(83676.0), P90: ptr(83677.0), P99: ptr(83678.0), Sum: ptr(53555186.0)}},
	})
	Expect(err).NotTo(HaveOccurred())
	return &messages.RealtimeMetrics{Metrics: raw}
}

var _ = Describe("a log line", func() {
	const line = "12:00:00.000 WARNING  "

	It("is one line without escape sequences, whatever a server says", func() {
		c := Config{}
		Expect(c.logLine(line + "request failed: \x1b[2J\r\nfake\u202e line\n")).To(Equal(line + "request failed:  [2J  fake  line"))
	})
	It("is broken at the width of a terminal, and set off below its message", func() {
		c := Config{Terminal: true, Columns: func() int { return 100 }}
		got := strings.Split(c.logLine(line+strings.Repeat("é", 200)), "\n")
		Expect(got).To(HaveLen(3))
		Expect(got[0]).To(Equal(line + strings.Repeat("é", 78)))
		Expect(got[2]).To(Equal(strings.Repeat(" ", 22) + strings.Repeat("é", 44)))
	})
	It("is left to a narrow terminal", func() {
		c := Config{Terminal: true, Columns: func() int { return 89 }}
		Expect(c.logLine(line + strings.Repeat("x", 200))).NotTo(ContainSubstring("\n"))
	})
	It("is cut when it is endless", func() {
		c := Config{Terminal: true}
		got := c.logLine(line + strings.Repeat("x", 5000))
		Expect(utf8.RuneCountInString(got)).To(Equal(len(line) + longestMessage))
		Expect(got).To(HaveSuffix("x…"))
	})
	It("has the colour of its level", func() {
		c := Config{Terminal: true, Color: true}
		Expect(c.logLine(line + "look")).To(Equal("\x1b[2m12:00:00.000 \x1b[0m\x1b[33mWARNING  \x1b[0mlook"))
	})
})
