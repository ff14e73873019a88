package exporters

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/gomega"

	"aiperf/metrics"
)

var _ = Describe("the load over time", func() {
	series := func(n int) *metrics.LoadSeries {
		s := &metrics.LoadSeries{StartNS: sampleStart, BucketS: 1}
		for i := range n {
			v := int64(i % 10)
			s.Asked, s.Sent, s.InFlight = append(s.Asked, v+1), append(s.Sent, v), append(s.InFlight, 2*v)
			s.Completed, s.Errors, s.Cancelled = append(s.Completed, v), append(s.Errors, 0), append(s.Cancelled, 0)
		}
		return s
	}
	draw := func(p *Profile, o ConsoleOptions) string {
		c := NewConsole(o)
		ConsoleLoad{}.Render(c, sampleRun("/run"), &Report{Profile: p})
		return c.buf.String()
	}

	It("stands beside the metrics in the summary, without a unit", func() {
		r := sampleReport()
		r.Profile.LoadSeries = series(3)
		r.Profile.TTFTByTurn = []metrics.TurnLatency{{TurnIndex: 0, Stats: distribution(20, 1, 5)}, {TurnIndex: 1, Stats: distribution(40, 1, 5)}}
		var doc map[string]any
		Expect(json.Unmarshal(summaryOf(sampleRun("/run"), r), &doc)).To(Succeed())
		load := doc["load_series"].(map[string]any)
		Expect(load).NotTo(HaveKey("unit"))
		Expect(load["bucket_s"]).To(BeEquivalentTo(1))
		Expect(load["asked"]).To(Equal([]any{1.0, 2.0, 3.0}))
		Expect(load).To(And(HaveKey("start_ns"), HaveKey("sent"), HaveKey("in_flight"), HaveKey("completed"), HaveKey("errors"), HaveKey("cancelled")))
		turns := doc["ttft_by_turn"].([]any)
		Expect(turns).To(HaveLen(2))
		Expect(turns[1]).To(And(HaveKeyWithValue("turn_index", 1.0), HaveKeyWithValue("p50_ms", 40.0), HaveKeyWithValue("count", 5.0)))
	})

	It("is a chart that fits the width, with the rows that have something to say", func() {
		for _, width := range []int{80, 120} {
			out := draw(&Profile{LoadSeries: series(500)}, ConsoleOptions{Width: width})
			for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
				Expect(len([]rune(line))).To(BeNumerically("<=", width), line)
			}
			Expect(out).To(ContainSubstring("Load over 500 s"))
			Expect(out).NotTo(ContainSubstring("errors/s"))
			Expect(out).NotTo(ContainSubstring("\x1b"))
		}
		p := &Profile{LoadSeries: series(10), TTFTByTurn: []metrics.TurnLatency{{TurnIndex: 0, Stats: distribution(20, 1, 5)}, {TurnIndex: 1, Stats: distribution(40, 1, 5)}}}
		p.LoadSeries.Errors[9] = 1
		Expect(draw(p, ConsoleOptions{Width: 80})).To(Equal(`Load over 10 s
     asked/s │▁▂▂▃▄▅▆▆▇█│ 1 to 10
      sent/s │ ▁▂▂▃▄▅▆▆▇│ 0 to 9
 completed/s │ ▁▂▂▃▄▅▆▆▇│ 0 to 9
    errors/s │         ▁│ 0 to 1
   in flight │ ▁▂▃▄▄▅▆▇█│ 0 to 18
Time to first token by turn, p50 ms: 1: 20.0, 2: 40.0
`))
	})

	It("is no curve in a short run", func() {
		Expect(draw(&Profile{LoadSeries: series(2)}, ConsoleOptions{Width: 80})).To(BeEmpty())
		Expect(draw(&Profile{}, ConsoleOptions{Width: 80})).To(BeEmpty())
	})
})
