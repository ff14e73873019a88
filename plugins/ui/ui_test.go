package ui

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
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

	open := func(terminal bool) {
		out.Reset()
		v, err := NewSimple(Config{Out: &out, Terminal: terminal, MinUpdatePercent: 1})
		Expect(err).NotTo(HaveOccurred())
		view = v.(*Simple)
		view.now = func() clock.WallNS { return begin.Add(10 * time.Second) }
	}

	It("draws one bar, with counts, share and times", func() {
		open(true)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		Expect(out.String()).To(Equal("Profiling: 500/2,000 |███████                       | 25% [00:10<00:30]"))
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

	It("prints log lines above the bar and leaves a clean line", func() {
		open(true)
		view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(500)}))
		view.Line("look")
		view.Close()
		Expect(out.String()).To(ContainSubstring("\r\x1b[2Klook\n"))
		Expect(out.String()).To(HaveSuffix("\r\x1b[2K"))
	})
})

var _ = Describe("the view without a picture", func() {
	var out strings.Builder
	var view *None
	var now clock.WallNS

	BeforeEach(func() {
		out.Reset()
		v, err := NewNone(Config{Out: &out})
		Expect(err).NotTo(HaveOccurred())
		view, now = v.(*None), begin
		view.now = func() clock.WallNS { return now }
	})

	lines := func() []string { return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") }

	It("prints a plain line when a phase begins and ends, and now and then between", func() {
		view.Message(envelope(&messages.CreditPhaseStart{Stats: profiling(0)}))
		for i := range 10 {
			now = now.Add(2 * time.Second)
			view.Message(envelope(&messages.CreditPhaseProgress{Stats: profiling(int64(100 * i))}))
		}
		view.Message(envelope(&messages.CreditPhaseComplete{Stats: profiling(2000)}))
		got := lines()
		Expect(got[0]).To(HaveSuffix("INFO     profiling started: 2,000 requests"))
		Expect(got[1]).To(HaveSuffix("INFO     profiling: 200/2,000 requests, 4 in flight, 0 errors"))
		Expect(got[len(got)-1]).To(HaveSuffix("profiling complete: 2,000/2,000 requests, 4 in flight, 0 errors"))
		Expect(got).To(HaveLen(5), "every five seconds at most")
	})

	It("draws nothing", func() {
		view.Message(envelope(&messages.CreditPhaseStart{Stats: profiling(0)}))
		view.Line("look")
		view.Close()
		Expect(out.String()).NotTo(ContainSubstring("\x1b"))
		Expect(lines()[1]).To(Equal("look"))
	})
})
